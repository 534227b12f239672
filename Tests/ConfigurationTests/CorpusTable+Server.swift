extension CorpusTable {
    static let server = #"""
        buggregator-1.1.1-rr-prod.yaml: loads
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php app.php ; server.relay = pipes ;
          tcp.servers.monolog.addr = :9913 ; tcp.servers.monolog.delimiter = \n ; tcp.servers.smtp.addr = :1025 ;
          tcp.servers.var-dumper.addr = :9912 ; tcp.servers.var-dumper.delimiter = \n
        buggregator-1.14.0-dev-rr-prod.yaml: loads
          logs.channels.centrifuge.level = warn ; logs.channels.http.level = warn ;
          logs.channels.jobs.level = warn ; logs.channels.server.level = warn ;
          logs.channels.service.level = warn ; logs.channels.smtp.level = warn ; logs.channels.tcp.level = warn ;
          logs.channels.var-dumper.level = warn ; logs.encoding = json ; logs.level = warn ;
          logs.mode = production ; metrics.address = 0.0.0.0:2112 ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php app.php ; server.on_init.command = php app.php register:modules ;
          server.relay = pipes ; tcp.pool.num_workers = 1 ; tcp.read_buf_size = 50485760B ;
          tcp.servers.monolog.addr = :9913 ; tcp.servers.monolog.delimiter = \n
        buggregator-1.16.0-rr-prod.yaml: no servers tcp.servers
          logs.channels.centrifuge.level = warn ; logs.channels.http.level = warn ;
          logs.channels.jobs.level = warn ; logs.channels.monolog.level = warn ;
          logs.channels.server.level = warn ; logs.channels.service.level = warn ; logs.encoding = json ;
          logs.level = warn ; logs.mode = production ; metrics.address = 0.0.0.0:2112 ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php app.php ;
          server.on_init.command = php app.php register:modules ; server.relay = pipes
        metrics_rr-http-metrics-no-free-workers.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; metrics.address = 127.0.0.1:2116 ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../php_test_files/sleep.php ;
          server.relay = pipes
        metrics_rr-metrics-different-rpc-calls.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; metrics.address = [::1]:2114 ;
          rpc.listen = tcp://127.0.0.1:6002
        metrics_rr-metrics-http.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; metrics.address = 127.0.0.1:2115 ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../php_test_files/psr-worker-bench.php ;
          server.relay = pipes
        metrics_rr-metrics-unregister.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; metrics.address = [::1]:2117 ;
          rpc.listen = tcp://127.0.0.1:6005
        server-tests_rr-env.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; server.command = php php_test_files/client.php env pipes ;
          server.env.RR_EXPANDED = prefix--suffix ; server.env.RR_PLAIN = plain-value ; server.relay = pipes
        server-tests_rr-on-init-error-timeout.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; server.command = php php_test_files/loop.php ;
          server.on_init.command = sleep 1 ; server.on_init.exec_timeout = 1ns ;
          server.on_init.exit_on_error = true
        server-tests_rr-pipes-big-resp.yaml: no servers tcp.servers
          logs.err_output = stderr ; logs.level = info ; logs.mode = production ; logs.output = stderr ;
          server.command = php php_test_files/pipes_big_resp_server.php ; server.relay = pipes
        server-tests_rr-sockets-on-init-fast-close.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ; server.command = php php_test_files/socket.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ;
          server.on_init.command = php php_test_files/loop.php ; server.on_init.exec_timeout = 1ns ;
          server.relay = unix://unix.sock
        server-tests_rr-sockets.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; server.command = php php_test_files/socket.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ;
          server.relay = unix://unix.sock
        server-tests_rr-tcp.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; server.command = php php_test_files/tcp.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ;
          server.relay = tcp://127.0.0.1:9999
        server-tests_rr-wrong-relay.yaml: invalid value @8 server.relay
        server_rr-no-app-section.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ;
          server.command = php ../../php_test_files/client.php echo pipes ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ; server.relay = pipes
        server_rr-script-err.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ;
          server.command = php ../../php_test_files/psr-worker-exception.php ; server.relay = pipes
        server_rr-sockets-on-init-fast-close.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ; server.command = php socket.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ;
          server.on_init.command = php ../../php_test_files/loop.php ; server.on_init.exec_timeout = 1ns ;
          server.relay = unix://unix.sock
        server_rr-sockets.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; server.command = php socket.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ;
          server.relay = unix://unix.sock
        server_rr-tcp-on-init.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ; server.command = php tcp-on-init.php ;
          server.on_init.command = php ../../php_test_files/loop.php ; server.on_init.exec_timeout = 3m20s ;
          server.relay = tcp://127.0.0.1:10118
        server_rr-wrong-command-after-init.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; server.command = sleep 3 ; server.relay = pipes
        server_rr-wrong-command.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; server.command = php some_absent_file.php ;
          server.env.RR_CONFIG = /some/place/on/the/C134 ; server.env.RR_CONFIG2 = C138 ; server.relay = pipes
        server_rr.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ;
          server.command = php ../../php_test_files/client.php echo pipes ; server.relay = pipes
        service_rr-service-create.yaml: no servers tcp.servers
          endure.grace_period = 2m0s ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001
        service_rr-service-error.yaml: no servers tcp.servers
          endure.grace_period = 2m0s ; logs.level = info ; logs.mode = raw
        service_rr-service-init-remain.yaml: no servers tcp.servers
          endure.grace_period = 2m0s
        service_rr-service-init.yaml: no servers tcp.servers
          endure.grace_period = 2m0s
        service_rr-service-newlines.yaml: no servers tcp.servers
          endure.grace_period = 5s
        service_rr-service-reload.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001
        service_rr-service-restarts.yaml: no servers tcp.servers
          endure.grace_period = 2m0s ; logs.level = error ; logs.mode = raw
        status_rr-jobs-status.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6007 ;
          server.command = php ../../php_test_files/jobs/jobs_ok.php ; server.relay = pipes ;
          status.address = 127.0.0.1:35544
        status_rr-status-init.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6005 ;
          server.command = php ../../php_test_files/http/client.php echo pipes ; server.relay = pipes ;
          status.address = 127.0.0.1:34333
        tcp_rr-tcp-close.yaml: loads
          endure.grace_period = 10s ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/psr-worker-tcp.php ; tcp.pool.allocate_timeout = 1m0s ;
          tcp.pool.destroy_timeout = 5s ; tcp.pool.num_workers = 2 ; tcp.servers.server1.addr = 127.0.0.1:7788 ;
          tcp.servers.server1.delimiter = \r\n
        tcp_rr-tcp-empty.yaml: loads
          endure.grace_period = 30s ; rpc.listen = tcp://127.0.0.1:6002 ;
          server.command = php ../../php_test_files/psr-worker-tcp.php ; tcp.pool.allocate_timeout = 1m0s ;
          tcp.pool.destroy_timeout = 5s ; tcp.pool.num_workers = 2 ;
          tcp.servers.tcp_access_point_1.addr = 127.0.0.1:7779 ; tcp.servers.tcp_access_point_1.delimiter = \r\n
        tcp_rr-tcp-full.yaml: loads
          endure.grace_period = 10s ; rpc.listen = tcp://127.0.0.1:6003 ;
          server.command = php ../../php_test_files/psr-worker-tcp-cont.php ; tcp.pool.allocate_timeout = 1m0s ;
          tcp.pool.destroy_timeout = 1s ; tcp.pool.num_workers = 5 ; tcp.servers.server1.addr = 127.0.0.1:7778 ;
          tcp.servers.server1.delimiter = \r\n ; tcp.servers.server2.addr = 127.0.0.1:8811 ;
          tcp.servers.server2.read_buf_size = 10 ; tcp.servers.server3.addr = 127.0.0.1:8812 ;
          tcp.servers.server3.delimiter = \r\n ; tcp.servers.server3.read_buf_size = 1
        tcp_rr-tcp-init.yaml: loads
          rpc.listen = tcp://127.0.0.1:6002 ; server.command = php ../../php_test_files/psr-worker-tcp.php ;
          tcp.pool.allocate_timeout = 1m0s ; tcp.pool.destroy_timeout = 1s ; tcp.pool.num_workers = 2 ;
          tcp.servers.server1.addr = 127.0.0.1:7777 ; tcp.servers.server1.delimiter = \r\n ;
          tcp.servers.server2.addr = 127.0.0.1:8889 ; tcp.servers.server2.read_buf_size = 10 ;
          tcp.servers.server3.addr = 127.0.0.1:8810 ; tcp.servers.server3.delimiter = \r\n ;
          tcp.servers.server3.read_buf_size = 1
        temporal_rr-metrics-statsd.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/temporal/worker.php
        temporal_rr-otlp.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/temporal/worker.php
        temporal_rr-proto.yaml: no servers tcp.servers
          logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../php_test_files/temporal/worker.php
        temporal_tls_rr-metrics-statsd.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = production ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/temporal/worker.php
        temporal_tls_rr-proto-la.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = production ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/temporal/worker-la.php
        """#
}
