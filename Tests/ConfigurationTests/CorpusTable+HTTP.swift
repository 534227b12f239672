extension CorpusTable {
    static let http = #"""
        grpc_rr-grpc-init-duplicate.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../php_test_files/psr-worker-bench.php ;
          server.relay = pipes
        grpc_rr-grpc-init.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../php_test_files/psr-worker-bench.php ;
          server.relay = pipes
        grpc_rr-grpc-rq-exception.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/worker-grpc-exception.php ; server.relay = pipes
        grpc_rr-grpc-rq-multiple.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/worker-grpc.php ; server.relay = pipes
        grpc_rr-grpc-rq-tls-rootca.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/worker-grpc.php ; server.relay = pipes
        grpc_rr-grpc-rq.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/worker-grpc.php ; server.relay = pipes
        gzip_rr-http-withGzip.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; server.command = php ../../php_test_files/psr-worker.php ;
          server.relay = pipes
        headers_rr-headers-init.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../php_test_files/http/client.php echo pipes ; server.env.RR_HTTP = true ;
          server.relay = pipes
        headers_rr-res-headers.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../php_test_files/http/client.php header pipes ; server.env.RR_HTTP = true ;
          server.relay = pipes
        http_http2_rr-http-multipart.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/psr-worker.php ; server.relay = pipes
        http_http2_rr-http-urlencoded2.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/psr-worker.php ; server.relay = pipes
        http_http_rr-big-req-size.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/http/client.php echo pipes
        http_http_rr-fcgi-reqUri.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/psr-worker.php ; server.relay = pipes
        http_http_rr-fcgi.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/psr-worker.php ; server.relay = pipes
        http_http_rr-h2c.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_http_rr-http-cache-requests.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/psr-worker-bench.php ; server.relay = pipes
        http_http_rr-http-exec_ttl.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/psr-worker-exec_ttl.php ; server.relay = pipes
        http_http_rr-http-ipv6-2.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://[::1]:6003 ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_http_rr-http-sendfile.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ;
          server.command = php ../../../php_test_files/xsendfile.php ; server.relay = pipes
        http_http_rr-http-static-disabled.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php pid pipes ; server.relay = pipes
        http_http_rr-http-static-files-disable.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_http_rr-http-static-new.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php pid pipes ; server.relay = pipes
        http_http_rr-http-static.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php pid pipes ; server.relay = pipes
        http_http_rr-http.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6004 ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_http_rr-init-big-resp.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/big-resp-worker.php ; server.relay = pipes
        http_http_rr-issue659.yaml: no servers tcp.servers
          logs.level = panic ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6009 ;
          server.command = php ../../../php_test_files/issue659.php ; server.relay = pipes
        http_http_rr-post-test.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6008 ;
          server.command = php ../../../php_test_files/psr-worker-post.php ; server.relay = pipes
        http_http_rr-resetter.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6008 ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_http_rr-ssl-push.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php push pipes ; server.relay = pipes
        http_http_rr-ssl.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_https_rr-mtls2.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_https_rr-mtls4.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ;
          server.command = php ../../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        http_otel_rr-http-otel.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../../php_test_files/psr-worker.php ; server.relay = pipes
        http_streams_rr-http-streams.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6004 ;
          server.command = php ../../../php_test_files/stream_worker.php ; server.relay = pipes
        proxy_ip_parser_rr-http-xff.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        """#
}
