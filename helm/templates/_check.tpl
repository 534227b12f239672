{{/*
What the Job checks: `config`, a text, and `secrets`, those of `secretMounts` that are not there yet. Mostly it is cert-manager
that makes them, of a Certificate which comes with the same upgrade. Pods wait for a Secret; the Job comes before, so it
cannot. A `tls` with files in such a Secret is left out of what is checked. Without a cluster to ask (`helm template`) all
are taken to be there.
*/}}
{{- define "rr.checked" -}}
{{- $config := include "rr.config" . | fromYaml -}}
{{- $secrets := list -}}
{{- $unchecked := list -}}
{{- if and (not .Values.existingConfigMap) (lookup "apps/v1" "Deployment" .Release.Namespace (include "rr.fullname" .)) -}}
{{- $places := concat (values $config.tcp.servers) (list $config.status $config.metrics ($config.rpc | default dict)) -}}
{{- range $mount := .Values.secretMounts -}}
{{- $users := list -}}
{{- range $place := $places -}}
{{- with $place.tls -}}
{{- $files := list .cert .key .root_ca -}}
{{- if kindIs "slice" .certificates -}}
{{- range .certificates }}{{ $files = concat $files (list .cert .key) }}{{ end -}}
{{- end -}}
{{- range $files -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" $mount.mountPath)) (toString .) }}{{ $users = append $users $place }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $users (not $mount.optional) (not (lookup "v1" "Secret" $.Release.Namespace $mount.secretName)) -}}
{{- $secrets = append $secrets $mount.secretName -}}
{{- $unchecked = concat $unchecked $users -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $unchecked }}{{ $_ := unset . "tls" }}{{ end -}}
{{- dict "config" (toYaml $config) "secrets" (uniq $secrets) | toYaml -}}
{{- end -}}
