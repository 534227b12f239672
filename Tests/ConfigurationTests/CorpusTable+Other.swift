extension CorpusTable {
    static let other = #"""
        app_logger_rr-appl.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/appLogger.php
        config-tests_rr-boot.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6391
        config-tests_rr-env.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development
        config-tests_rr-include-rpc.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6395
        config_rr-env.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development
        config_rr-env3.yaml: no servers tcp.servers
          logs.mode = development ; rpc.listen = tcp://127.0.0.1:36643
        config_rr-old.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6060
        informer_rr-informer.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/http/client.php echo pipes ; server.relay = pipes
        kv_rr-boltdb.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001
        kv_rr-in-memory.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001
        kv_rr-kv-bolt-perms.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001
        kv_rr-memcached.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001
        kv_rr-redis-no-config.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001
        lock_rr-lock-init.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001
        logger_rr-no-logger.yaml: no servers tcp.servers
        logger_rr-raw-mode.yaml: no servers tcp.servers
          logs.mode = raw ; server.command = php ../../php_test_files/psr-worker.php ; server.relay = pipes
        rpc_rr-rpc-disabled.yaml: no servers tcp.servers
          endure.grace_period = 2m0s ; logs.level = panic ; logs.mode = development
        rr-internal_rpc_test_config_rpc_empty.yaml: no servers tcp.servers
        rr-internal_rpc_test_config_rpc_wrong.yaml: invalid value @4 rpc
        rr-internal_rpc_test_include1_rr.yaml: unreadable file @11 include
        rr-tests_rr-grpc.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6204 ; server.command = php php_test_files/grpc/worker-grpc.php ;
          server.relay = pipes
        rr-tests_rr-http-otel.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6205 ; server.command = php php_test_files/http/client.php echo pipes ;
          server.relay = pipes
        rr-tests_rr-jobs-memory-otel.yaml: no servers tcp.servers
          rpc.listen = tcp://127.0.0.1:6207 ; server.command = php php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        """#
}
