extension CorpusTable {
    static let files = #"""
        centrifuge.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php centrifuge.php ; server.relay = pipes
        empty-version.yaml: no servers tcp.servers
        endure.yaml: no servers tcp.servers
          endure.grace_period = 2m0s
        env-map.yaml: no servers tcp.servers
          server.command = php environment.php ; server.env.ONE = 1 ; server.env.THREE = 1 ; server.env.TWO = yes ;
          server.relay = pipes
        grpc-services.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php grpc-services.php ; server.relay = pipes
        http-files.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php http-files.php ; server.relay = pipes
        http-tls.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php http-tls.php ; server.relay = pipes
        include.yaml: loads
          server.command = php including.php ; tcp.servers.main.addr = 127.0.0.1:4070
        include-missing.yaml: unreadable file @5 include
        jobs-kafka.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php jobs-kafka.php ; server.relay = pipes
        jobs-queues.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php jobs-queues.php ; server.relay = pipes
        kv-stores.yaml: invalid value @9 kv.bare.driver
        logs-before-version.yaml: no servers tcp.servers
          logs.level = error ; logs.mode = development
        logs-outputs.yaml: no servers tcp.servers
          logs.encoding = console ; logs.err_output = stderr ; logs.level = panic ; logs.mode = production ;
          logs.output = stderr ; server.command = php out.php
        logs-raw.yaml: no servers tcp.servers
          logs.mode = raw ; server.command = php raw.php ; server.relay = pipes
        plugins-of-others.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php plugins-of-others.php ; server.relay = pipes
        probes.yaml: no servers tcp.servers
          metrics.address = [::1]:2214 ; status.address = 127.0.0.1:2213 ; status.unavailable_status_code = 503
        relay-tcp.yaml: no servers tcp.servers
          server.command = php socket.php ; server.on_init.command = sleep 1 ; server.on_init.exec_timeout = 3m20s ;
          server.on_init.exit_on_error = true ; server.relay = tcp://127.0.0.1:7011
        relay-unix.yaml: no servers tcp.servers
          logs.level = info ; logs.mode = development ; server.command = php socket.php ;
          server.on_init.command = php loop.php ; server.on_init.exec_timeout = 1ns ; server.relay = unix://relay.sock
        relay-wrong.yaml: invalid value @5 server.relay
        rpc-only.yaml: no servers tcp.servers
          rpc.listen = tcp://[::1]:6104
        rpc-wrong.yaml: invalid value @4 rpc
        services-and-files.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php services-and-files.php ; server.relay = pipes
        tcp-anchors.yaml: loads
          server.command = php anchors.php ; tcp.servers.one.addr = 127.0.0.1:4050 ;
          tcp.servers.one.delimiter = \r\n ; tcp.servers.one.read_buf_size = 64 ;
          tcp.servers.two.addr = 127.0.0.1:4051 ; tcp.servers.two.delimiter = \n ; tcp.servers.two.read_buf_size = 64
        tcp-delimiters.yaml: loads
          server.command = php gateway.php ; tcp.servers.block.addr = 127.0.0.1:4003 ;
          tcp.servers.block.delimiter = \n.\n ; tcp.servers.double.addr = 127.0.0.1:4001 ;
          tcp.servers.double.delimiter = \r\n ; tcp.servers.newline.addr = 127.0.0.1:4002 ;
          tcp.servers.newline.delimiter = \n ; tcp.servers.text.addr = 127.0.0.1:4004 ;
          tcp.servers.text.delimiter = END
        tcp-dotted.yaml: loads
          server.command = php dotted.php ; tcp.pool.num_workers = 2 ; tcp.servers.main.addr = 127.0.0.1:4040
        tcp-ipv6.yaml: loads
          server.command = php six.php ; server.relay = tcp://[::1]:7010 ; tcp.servers.any.addr = :4061 ;
          tcp.servers.six.addr = [::1]:4060
        tcp-least.yaml: loads
          server.command = php mail.php ; tcp.servers.mail.addr = 127.0.0.1:2525
        tcp-pool.yaml: loads
          endure.grace_period = 15s ; rpc.listen = tcp://127.0.0.1:6101 ; server.command = php tcp worker.php --fast ;
          tcp.pool.allocate_timeout = 45s ; tcp.pool.destroy_timeout = 1m30s ; tcp.pool.max_jobs = 0 ;
          tcp.pool.num_workers = 3 ; tcp.servers.first.addr = 127.0.0.1:4010 ; tcp.servers.first.delimiter = \r\n ;
          tcp.servers.second.addr = 127.0.0.1:4011 ; tcp.servers.second.read_buf_size = 12 ;
          tcp.servers.third.addr = 127.0.0.1:4012 ; tcp.servers.third.delimiter = \r\n ;
          tcp.servers.third.read_buf_size = 1
        tcp-variables-defaults.yaml: loads
          logs.channels.made-up.level = info ; logs.channels.server.level = warn ; logs.channels.tcp.level = error ;
          logs.encoding = json ; logs.level = warn ; logs.mode = production ; metrics.address = 0.0.0.0:2212 ;
          server.command = php app.php ; server.on_init.command = php app.php boot ; server.relay = pipes ;
          tcp.pool.num_workers = 1 ; tcp.read_buf_size = 50000000B ; tcp.servers.log.addr = :4030 ;
          tcp.servers.log.delimiter = \n
        tcp-variables-unset.yaml: loads
          rpc.listen = tcp://127.0.0.1:6102 ; server.command = php app.php ; server.relay = pipes ;
          tcp.servers.dump.addr = :4021 ; tcp.servers.dump.delimiter = \n ; tcp.servers.log.addr = :4020 ;
          tcp.servers.log.delimiter = \n ; tcp.servers.mail.addr = :4022
        temporal-workers.yaml: no servers tcp.servers
          logs.encoding = console ; logs.level = debug ; logs.mode = development ; rpc.listen = tcp://127.0.0.1:6105 ;
          server.command = php temporal-workers.php ; server.relay = pipes
        variables-colon.yaml: no servers tcp.servers
          logs.mode = development ; rpc.listen = tcp://127.0.0.1:6103
        variables-of-the-system.yaml: no servers tcp.servers
          server.command = php environment.php ; server.env.CORPUS_MADE = before--after ;
          server.env.CORPUS_PLAIN = plain value
        version-missing.yaml: invalid version @1 version
        yaml-broken.yaml: invalid YAML @4 
        """#
}
