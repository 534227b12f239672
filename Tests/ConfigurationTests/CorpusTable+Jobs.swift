extension CorpusTable {
    static let jobs = #"""
        jobs_amqp_rr-amqp-fanout.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/jobs/jobs_ok_queue_name_exist.php ; server.relay = pipes
        jobs_amqp_rr-amqp-headers.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_amqp_rr-amqp-init-tls.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6111 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_amqp_rr-amqp-init-v27.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_amqp_rr-amqp-jobs-err.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_err.php ;
          server.relay = pipes
        jobs_amqp_rr-amqp-pq.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6601 ; server.command = php ../../../php_test_files/jobs/jobs_ok_pq.php ;
          server.relay = pipes
        jobs_amqp_rr-amqp-routing-queue.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_amqp_rr-no-global.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/client.php echo pipes ; server.relay = pipes
        jobs_beanstalk_rr-beanstalk-init-br.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:7003 ; server.command = php ../../../php_test_files/jobs/jobs_bad_resp.php ;
          server.relay = pipes
        jobs_beanstalk_rr-beanstalk-init.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = info ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:7002 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_beanstalk_rr-beanstalk-otel.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = info ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:7002 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_beanstalk_rr-beanstalk-raw.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:7006 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_beanstalk_rr-no-global.yaml: no servers tcp.servers
           logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:7008 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_boltdb_rr-boltdb-init-v27-br.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_bad_resp.php ;
          server.relay = pipes
        jobs_boltdb_rr-boltdb-jobs-err.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:8005 ; server.command = php ../../../php_test_files/jobs/jobs_err.php ;
          server.relay = pipes
        jobs_boltdb_rr-boltdb-pq.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok_pq.php ;
          server.relay = pipes
        jobs_durability_amqp_rr-amqp-durability-no-queue.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_durability_beanstalk_rr-beanstalk-durability-redial.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_durability_kafka_rr-kafka-durability-redial.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_general_rr-jobs-metrics.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = info ; logs.mode = development ;
          metrics.address = 127.0.0.1:2112 ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/client.php echo pipes ; server.relay = pipes
        jobs_kafka_rr-kafka-init-cg.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_kafka_rr-kafka-init.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_kafka_rr-kafka-otel.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_memory_rr-memory-declare.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_memory_rr-memory-init-v27.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_memory_rr-memory-jobs-err.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_err.php ;
          server.relay = pipes
        jobs_memory_rr-memory-pq.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6601 ; server.command = php ../../../php_test_files/jobs/jobs_ok_pq.php ;
          server.relay = pipes
        jobs_memory_rr-memory-tracer.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_nats_rr-nats-init-v27-br.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_bad_resp.php ;
          server.relay = pipes
        jobs_nats_rr-nats-init.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = error ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_nats_rr-nats-otel.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6121 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_nats_rr-nats-raw.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ;
          rpc.listen = tcp://127.0.0.1:6001 ; server.command = php ../../../php_test_files/jobs/jobs_ok.php ;
          server.relay = pipes
        jobs_nats_rr-no-global.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6001 ;
          server.command = php ../../../php_test_files/client.php echo pipes ; server.relay = pipes
        """#
}
