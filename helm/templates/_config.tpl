{{/* Everything here reads the configuration itself, so that no port and no time is written twice. */}}

{{/* A duration as in Go, (dict "key" "its name" "value" "1m30s"), in milliseconds. */}}
{{- define "rr.milliseconds" -}}
{{- $text := toString .value -}}
{{- if not (regexMatch "^(0|(([0-9]+[.]?[0-9]*|[.][0-9]+)(ns|us|µs|ms|s|m|h))+)$" $text) -}}
{{- fail (printf "%s: %q is not a duration such as 30s or 1m30s, and pods must be told how long to wait" .key $text) -}}
{{- end -}}
{{- $units := dict "ns" 0.000001 "us" 0.001 "µs" 0.001 "ms" 1.0 "s" 1000.0 "m" 60000.0 "h" 3600000.0 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+[a-zµ]+" $text -1 -}}
{{- $unit := regexFind "[a-zµ]+$" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $units $unit)) -}}
{{- end -}}
{{- ceil $sum | int64 -}}
{{- end -}}

{{/* An address, (dict "key" "its name" "value" "127.0.0.1:7777"): its reach (none, pod, any) and port. */}}
{{- define "rr.address" -}}
{{- $text := toString .value -}}
{{- if hasPrefix "unix://" $text -}}
reach: none
{{- else if contains "$" $text -}}
{{- fail (printf "%s: the chart cannot know what %q stands for: write the address itself" .key $text) -}}
{{- /* What `rr` takes: a host without colons, or an IPv6 address in brackets. */ -}}
{{- else if not (regexMatch `^(tcp://)?([A-Za-z0-9._\x{80}-\x{10FFFF}-]*|\[[0-9A-Za-z.%_:-]*:[0-9A-Za-z.%_:-]*\]):[0-9]{1,5}$` $text) -}}
{{- fail (printf "%s: %q is not an address such as :7777 or 0.0.0.0:7777" .key $text) -}}
{{- else -}}
{{- $host := $text | trimPrefix "tcp://" | regexFind "^.*:" | trimSuffix ":" -}}
{{- /* From the first digit that is not 0: with a leading 0 it would be read as octal. */ -}}
{{- $port := regexFind "[1-9][0-9]*$" $text | int -}}
{{- if or (lt $port 1) (gt $port 65535) -}}
{{- fail (printf "%s: the port of %q must be 1 to 65535" .key $text) -}}
{{- end -}}
reach: {{ if or (regexMatch "^127[.]" $host) (has (lower $host) (list "localhost" "[::1]")) }}pod{{ else }}any{{ end }}
port: {{ $port }}
{{- end -}}
{{- end -}}

{{/* .rr.yaml as it will be. */}}
{{- define "rr.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config -}}
{{- $config = .Files.Get "files/example.rr.yaml" | fromYaml -}}
{{- end -}}
{{- $facts := dict
  "version" "3"
  "status" (dict "address" ":2114")
  "metrics" (dict "address" ":2112")
  "endure" (dict "grace_period" "30s")
  "logs" (dict)
-}}
{{- $config = merge $config $facts -}}
{{- /* Log collectors read JSON. A mode or an encoding of the user stays as it is. */ -}}
{{- if not (or (hasKey $config.logs "mode") (hasKey $config.logs "encoding")) -}}
{{- $_ := set $config.logs "mode" "production" -}}
{{- end -}}
{{- if not (hasKey $config.logs "level") -}}
{{- $_ := set $config.logs "level" "info" -}}
{{- end -}}
{{- if not (include "rr.milliseconds" (dict "key" "config.endure.grace_period" "value" $config.endure.grace_period) | int64) -}}
{{- fail "config.endure.grace_period: 0 stands for the default, 30s: leave it out, or use a short time such as 1s" -}}
{{- end -}}
{{- if not (hasKey $config.endure "drain_delay") -}}
{{- $_ := set $config.endure "drain_delay" (include "rr.drainDelay" $config.endure.grace_period) -}}
{{- end -}}
{{- $config | toYaml -}}
{{- end -}}

{{/*
Load balancers and nodes need seconds to learn that a pod is leaving; until then its listeners stay open. A sixth of the
grace period, at most 15 s.
*/}}
{{- define "rr.drainDelay" -}}
{{- $grace := include "rr.milliseconds" (dict "key" "config.endure.grace_period" "value" .) | int64 -}}
{{- printf "%dms" (min (div $grace 6) 15000) -}}
{{- end -}}

{{/*
What objects need to know, from `config` or from `existingConfig`: servers (name, port, service port, port name), whether
others are out of reach, ports of status and metrics, whether one is below 1024, the grace period in milliseconds.
*/}}
{{- define "rr.facts" -}}
{{- $servers := list -}}
{{- $left := list -}}
{{- $grace := "" -}}
{{- $status := 0 -}}
{{- $metrics := 0 -}}
{{- if .Values.existingConfigMap -}}
  {{- if .Values.config -}}
    {{- fail "set config or existingConfigMap, not both: only one of them would be used" -}}
  {{- end -}}
  {{- range $name, $port := .Values.existingConfig.servers -}}
    {{- $servers = append $servers (dict "name" (lower $name) "port" (int $port)) -}}
  {{- end -}}
  {{- $status = int .Values.existingConfig.statusPort -}}
  {{- $metrics = int .Values.existingConfig.metricsPort -}}
  {{- $grace = include "rr.milliseconds"
    (dict "key" "existingConfig.gracePeriod" "value" .Values.existingConfig.gracePeriod) -}}
{{- else -}}
  {{- if .Values.existingConfig.servers -}}
    {{- fail "existingConfig.servers is of use with existingConfigMap only: servers of `config` are known" -}}
  {{- end -}}
  {{- $config := include "rr.config" . | fromYaml -}}
  {{- range $name, $server := $config.tcp.servers -}}
    {{- $address := include "rr.address"
      (dict "key" (printf "config.tcp.servers.%s.addr" $name) "value" $server.addr) | fromYaml -}}
    {{- if eq $address.reach "any" -}}
      {{- $servers = append $servers (dict "name" (lower $name) "port" (int $address.port)) -}}
    {{- else -}}
      {{- $left = append $left (printf "%s (%s)" (lower $name) $server.addr) -}}
    {{- end -}}
  {{- end -}}
  {{- $address := include "rr.address"
    (dict "key" "config.status.address" "value" $config.status.address) | fromYaml -}}
  {{- if ne $address.reach "any" -}}
    {{- fail (printf
      "config.status.address: the kubelet cannot reach %q: leave it out, or write :2114"
      $config.status.address) -}}
  {{- end -}}
  {{- $status = int $address.port -}}
  {{- $address = include "rr.address"
    (dict "key" "config.metrics.address" "value" $config.metrics.address) | fromYaml -}}
  {{- if eq $address.reach "any" -}}
    {{- $metrics = int $address.port -}}
  {{- else if or .Values.serviceMonitor.enabled .Values.podMonitor.enabled
      (and .Values.autoscaling.enabled .Values.autoscaling.busyWorkers.enabled) -}}
    {{- fail (printf
      "config.metrics.address: Prometheus cannot reach %q: leave it out, or write :2112"
      $config.metrics.address) -}}
  {{- end -}}
  {{- $grace = include "rr.milliseconds"
    (dict "key" "config.endure.grace_period" "value" $config.endure.grace_period) -}}
  {{- $delay := include "rr.milliseconds"
    (dict "key" "config.endure.drain_delay" "value" $config.endure.drain_delay) -}}
  {{- if and (gt (int64 $delay) 0) (ge (int64 $delay) (int64 $grace)) -}}
    {{- fail (printf
      "config.endure.drain_delay: %s is a part of endure.grace_period, %s, and must be shorter"
      $config.endure.drain_delay $config.endure.grace_period) -}}
  {{- end -}}
{{- end -}}
{{- $taken := dict "status" true "metrics" true -}}
{{- $ports := dict (toString $status) "status" -}}
{{- if $metrics -}}
  {{- if eq $status $metrics -}}{{- fail (printf "port %d is given to both status and metrics" $status) -}}{{- end -}}
  {{- $_ := set $ports (toString $metrics) "metrics" -}}
{{- end -}}
{{- $servicePorts := dict -}}
{{- $names := list -}}
{{- range $server := $servers -}}
  {{- if hasKey $ports (toString $server.port) -}}
    {{- fail (printf
      "port %d is given to both %s and %s"
      $server.port (get $ports (toString $server.port)) $server.name) -}}
  {{- end -}}
  {{- $_ := set $ports (toString $server.port) $server.name -}}
  {{- /* A name of Kubernetes when it is one, else by its number, which names of that form are left to. */ -}}
  {{- $name := $server.name | replace "_" "-" -}}
  {{- if or (hasKey $taken $name)
      (gt (len $name) 15) (contains "--" $name)
      (not (regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" $name))
      (not (regexMatch "[a-z]" $name))
      (regexMatch "^tcp-[0-9]+$" $name) -}}
    {{- $name = printf "tcp-%d" $server.port -}}
  {{- end -}}
  {{- $_ := set $taken $name true -}}
  {{- $servicePort := get $.Values.service.ports $server.name | default $server.port | int -}}
  {{- if hasKey $servicePorts (toString $servicePort) -}}
    {{- fail (printf
      "service.ports: port %d is given to both %s and %s"
      $servicePort (get $servicePorts (toString $servicePort)) $server.name) -}}
  {{- end -}}
  {{- $_ := set $servicePorts (toString $servicePort) $server.name -}}
  {{- $_ := set $server "portName" $name -}}
  {{- $_ := set $server "servicePort" $servicePort -}}
  {{- $names = append $names $server.name -}}
{{- end -}}
{{- $low := false -}}
{{- range $servers }}{{ $low = or $low (lt .port 1024) }}{{ end -}}
{{- if and .Values.service.ports (eq .Values.service.clusterIP "None") -}}
  {{- fail "service.ports: a headless Service leads straight to the pods and cannot translate ports" -}}
{{- end -}}
{{- range $key := list "ports" "nodePorts" -}}
  {{- range $name, $port := get $.Values.service $key -}}
    {{- if not (has $name $names) -}}
      {{- fail (printf
        "service.%s: there is no server %q that can be reached from outside; there are: %s"
        $key $name (join ", " $names)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- $low = or $low (lt $status 1024) (and (gt $metrics 0) (lt $metrics 1024)) -}}
{{- dict "servers" $servers "left" $left "status" $status "metrics" $metrics "low" $low "grace" (int64 $grace) | toYaml -}}
{{- end -}}

{{/* Variables that overrule a file the chart cannot read, so that it agrees with ports and times here. */}}
{{- define "rr.existingConfigEnv" -}}
{{- range $name, $port := .Values.existingConfig.servers }}
- name: RR_TCP_SERVERS_{{ regexReplaceAll "[^A-Z0-9]" (upper $name) "_" }}_ADDR
  value: {{ printf ":%d" (int $port) | quote }}
{{- end }}
- name: RR_STATUS_ADDRESS
  value: {{ printf ":%d" (int .Values.existingConfig.statusPort) | quote }}
- name: RR_METRICS_ADDRESS
  value: {{ printf ":%d" (int .Values.existingConfig.metricsPort) | quote }}
- name: RR_ENDURE_GRACE_PERIOD
  value: {{ .Values.existingConfig.gracePeriod | quote }}
- name: RR_ENDURE_DRAIN_DELAY
  value: {{ include "rr.drainDelay" .Values.existingConfig.gracePeriod | quote }}
{{- end -}}

{{/*
Arguments of `rr serve`, or of `rr check`, which takes those alone that change what is read:
(dict "root" $ "command" "check").
*/}}
{{- define "rr.args" -}}
{{- $command := .command -}}
- {{ $command }}
- -c
- /etc/rr/.rr.yaml
- -w
- /app
{{- $wanted := false }}
{{- range .root.Values.extraArgs }}
{{- if regexMatch "(endure[.](grace_period|drain_delay)|(status|metrics)[.]address|tcp[.]servers[.].*[.]addr)=" (lower .) -}}
{{- fail (printf "extraArgs: set %q in config: ports and times of other objects are taken from there" .) -}}
{{- end }}
{{- $named := has . (list "-o" "--override" "--dotenv") }}
{{- if or (eq $command "serve") $wanted $named (regexMatch "^(-o.|--(override|dotenv)=)" .) }}
- {{ . | quote }}
{{- end }}
{{- $wanted = $named }}
{{- end }}
{{- end -}}

{{/* Where Redis is, from a Secret. */}}
{{- define "rr.redisEnv" -}}
{{- $redis := .Values.redis -}}
{{- if $redis.secretName -}}
{{- $found := list -}}
{{- range $name, $storage := .Values.config.kv -}}
{{- if and (kindIs "map" $storage) (eq (toString (get $storage "driver")) "redis") -}}
{{- $found = append $found $name -}}
{{- end -}}
{{- end -}}
{{- range $redis.storages -}}
{{- if not (or $.Values.existingConfigMap (has . $found)) -}}
{{- fail (printf "redis.storages: config.kv has no %q with `driver: redis`" .) -}}
{{- end -}}
{{- end -}}
{{- range $redis.storages | default $found -}}
{{- $prefix := printf "RR_KV_%s_CONFIG" (regexReplaceAll "[^A-Z0-9]" (upper .) "_") -}}
{{- range $suffix, $key := dict "ADDRS" $redis.addrsKey "PASSWORD" $redis.passwordKey }}
{{- if $key }}
- name: {{ $prefix }}_{{ $suffix }}
  valueFrom:
    secretKeyRef:
      name: {{ $redis.secretName }}
      key: {{ $key }}
{{- end }}
{{- end }}
{{- else -}}
{{- fail "redis.secretName: no storage would use it: config.kv has none with `driver: redis`, and redis.storages names none" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rr.env" -}}
{{- include "rr.redisEnv" . }}
{{- range $name, $value := .Values.env }}
{{- if regexMatch "^RR_(ENDURE_(GRACE_PERIOD|DRAIN_DELAY)|STATUS_ADDRESS|METRICS_ADDRESS|TCP_SERVERS_.*_ADDR)$" $name -}}
{{- fail (printf
  "env.%s: set it in config (or existingConfig): ports and times of other objects are taken from there"
  $name) -}}
{{- end }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  {{- /* As JSON, or Go would write a large number as 1e+06. */}}
  value: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ $value | toJson | quote }}{{ end }}
  {{- end }}
{{- end }}
{{- if .Values.existingConfigMap }}
{{- include "rr.existingConfigEnv" . }}
{{- end }}
{{- end -}}
