"""A cluster as `lookup` of the Helm engine sees it: objects that are there, over HTTP, to be read."""

import contextlib
import http.server
import json
import threading

# Kind → group and version, name in paths. What no test puts into the cluster is found to be missing.
RESOURCES = {
    "Deployment": ("apps/v1", "deployments"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "Secret": ("v1", "secrets"),
}


def answer(path, objects):
    path = path.partition("?")[0]
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        versions = [{"groupVersion": v, "version": v.split("/")[1]} for v, _ in RESOURCES.values() if "/" in v]
        groups = [{"name": v["groupVersion"].split("/")[0], "versions": [v], "preferredVersion": v} for v in versions]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    for kind, (version, resource) in RESOURCES.items():
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if path == root:
            entry = {"name": resource, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get"]}
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [entry]}
        for o in objects:
            metadata = o["metadata"]
            place = f"{root}/namespaces/{metadata['namespace']}/{resource}/{metadata['name']}"
            if o["kind"] == kind and path == place:
                return o
    return None


@contextlib.contextmanager
def cluster(objects):
    """A kubeconfig, as text, of a cluster with these objects."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = answer(self.path, objects)
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps(found or missing).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                    "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                    "users": [{"name": "test", "user": {}}],
                }
            )
        finally:
            server.shutdown()
