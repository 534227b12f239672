"""What is in the images, and what is not."""

import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest

from container import BASE, BINARY_IMAGE, ENGINE, IMAGE, VERSION, engine, inspect_image, run


def files(image):
    """Path → size of everything in an image."""
    name = engine("create", image).stdout.strip()
    try:
        with tempfile.TemporaryFile() as archive:
            subprocess.run([*ENGINE, "export", name], stdout=archive, check=True)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as tar:
                return {m.name.removeprefix("./"): m.size for m in tar if not m.isdir()}
    finally:
        engine("rm", name)


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = files(IMAGE)
        for image in (IMAGE, BINARY_IMAGE):
            print(f"\n{image}: {inspect_image(image)['Size'] / 1e6:.1f} MB", end="")
        print(f"\n/usr/bin/rr: {cls.files['usr/bin/rr'] / 1e6:.1f} MB")

    def test_no_compiler_and_no_package_lists(self):
        programs = re.compile(r"(usr/(local/)?)?s?bin/(.*-)?(gcc|g\+\+|cc|c\+\+|clang|ld|make|swift|swiftc)(-[\d.]+)?$")
        self.assertEqual([f for f in self.files if programs.match(f)], [])
        self.assertEqual([f for f in self.files if f.startswith(("var/lib/apt/lists/", "var/cache/apt/"))], [])
        self.assertEqual([f for f in self.files if f.endswith((".swift", ".swiftmodule", ".a"))], [])
        self.assertEqual([f for f in self.files if "libyaml" in f], [])

    def test_only_the_example_is_in_app(self):
        app = [f for f in self.files if f.startswith("app/")]
        self.assertIn("app/.rr.yaml", app)
        self.assertEqual([f for f in app if f != "app/.rr.yaml" and not f.startswith(("app/examples/", "app/php/"))], [])

    def test_nothing_of_ours_can_be_written_by_its_user(self):
        search = "/usr /etc /app -xdev ! -readable -prune -o -writable ! -type l -print".split()
        writable = engine("run", "--rm", "--entrypoint", "find", IMAGE, *search).stdout
        self.assertEqual(writable, "")

    def test_workers_have_the_opcode_cache(self):
        said = engine("run", "--rm", "--entrypoint", "php", IMAGE, "-r", "var_dump(opcache_get_status(false)['opcache_enabled']);")
        self.assertEqual(said.stdout.strip(), "bool(true)")

    def test_settings(self):
        for image in (IMAGE, BINARY_IMAGE):
            settings = inspect_image(image)["Config"]
            with self.subTest(image):
                self.assertEqual(settings["User"], "10001:10001")
                self.assertEqual(settings["StopSignal"].removeprefix("SIG"), "TERM")
                self.assertEqual(settings["Entrypoint"], ["/usr/bin/rr"])
                self.assertEqual(settings["Cmd"], ["serve"])
                labels = {k for k in settings["Labels"] if k.startswith("org.opencontainers.image.")}
                wanted = {"title", "description", "licenses", "version", "revision"}
                self.assertLessEqual({f"org.opencontainers.image.{w}" for w in wanted}, labels)
        self.assertEqual(inspect_image(IMAGE)["Config"]["WorkingDir"], "/app")


class BinaryImage(unittest.TestCase):
    def test_it_is_built_as_make_release_builds(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        flags = re.search(r"^RELEASE_FLAGS = (.*)$", (root / "Makefile").read_text(), re.M)[1].split()
        words = (root / "Dockerfile").read_text().replace("\\\n", " ").split()
        start = next(i for i in range(len(words)) if words[i : i + 2] == ["swift", "build"]) + 2
        self.assertEqual(words[start : start + len(flags)], flags)

    def test_it_holds_the_binary_only(self):
        found = {pathlib.Path(f) for f in files(BINARY_IMAGE)}
        # What engines put into every container.
        found = {f for f in found if f.parts[0] not in ("dev", "proc", "sys", "run", ".dockerenv")}
        found -= {pathlib.Path("etc", name) for name in ("hosts", "hostname", "resolv.conf", "mtab")}
        self.assertEqual(found, {pathlib.Path("usr/bin/rr")})

    def test_it_runs(self):
        self.assertEqual(run("-v", image=BINARY_IMAGE).stdout, f"rr version {VERSION}\n")

    def test_copied_into_another_image(self):
        """The way RoadRunner's users do."""
        with tempfile.TemporaryDirectory() as directory:
            lines = f"FROM {BASE}\nCOPY --from={BINARY_IMAGE} /usr/bin/rr /usr/bin/rr\nCMD rr -v\n"
            pathlib.Path(directory, "Dockerfile").write_text(lines)
            tag = f"{BINARY_IMAGE}-copied"
            engine("build", "-t", tag, directory)
            try:
                self.assertEqual(run(image=tag).stdout, f"rr version {VERSION}\n")
            finally:
                engine("rmi", tag)


if __name__ == "__main__":
    unittest.main()
