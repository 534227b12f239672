{{/* What the pods that serve and the pod that checks the configuration have in common. */}}

{{/*
How the file gets into the pod, as JSON: as an annotation of the pod template, which a volume shows as a file. So it is a part of
each ReplicaSet, as the image is: pods of the last version restart with the file of the last version while an update
goes wrong, and `kubectl rollout undo` brings the file back. A ConfigMap would be overwritten under them; one for each
version, with a hash in its name, could never be removed.
*/}}
{{- define "rr.configAnnotation" -}}
{{- if .Values.existingConfigMap -}}
{}
{{- else -}}
{{- $file := include "rr.config" . -}}
{{- /* Annotations together may have 256 KiB, and `kubectl apply` puts a copy of all into one more. */ -}}
{{- if gt (len $file) 102400 -}}
{{- fail (printf
  "config: it is %d bytes, and a pod can carry 102400: put parts of it into files of the image and `include` them, or use existingConfigMap"
  (len $file)) -}}
{{- end -}}
{{- /* With the end of its last line, which `toYaml` takes away, and which may be a part of a text. */ -}}
{{- dict "rr/config" (printf "%s\n" $file) | toJson -}}
{{- end -}}
{{- end -}}

{{- define "rr.podCommon" -}}
automountServiceAccountToken: false
# Its variables would be taken for the configuration's: RR_TCP_SERVICE_HOST.
enableServiceLinks: false
{{- range $key := list "imagePullSecrets" "priorityClassName" "runtimeClassName" "nodeSelector" "tolerations" }}
{{- with get $.Values $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "rr.copyCode" -}}
{{- if .Values.app.image -}}
- name: app
  image: {{ .Values.app.image }}
  imagePullPolicy: {{ .Values.app.pullPolicy }}
  command: [cp, -R, {{ printf "%s/." (trimSuffix "/" .Values.app.path) | quote }}, /target/]
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    - name: app
      mountPath: /target
{{- end -}}
{{- end -}}

{{- define "rr.volumeMounts" -}}
- name: config
  mountPath: /etc/rr
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if or .Values.app.image .Values.app.volume }}
- name: app
  mountPath: /app
  readOnly: true
{{- end }}
{{- range $index, $mount := .Values.secretMounts }}
- name: secret-{{ $index }}
  mountPath: {{ $mount.mountPath }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rr.volumes" -}}
- name: config
  {{- if .Values.existingConfigMap }}
  configMap:
    name: {{ .Values.existingConfigMap }}
    items:
      - key: {{ .Values.existingConfig.key }}
        path: .rr.yaml
  {{- else }}
  downwardAPI:
    items:
      - path: .rr.yaml
        fieldRef:
          fieldPath: metadata.annotations['rr/config']
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSizeLimit }}
{{- if .Values.app.image }}
- name: app
  emptyDir:
    sizeLimit: {{ .Values.app.sizeLimit }}
{{- else if .Values.app.volume }}
- name: app
  {{- toYaml .Values.app.volume | nindent 2 }}
{{- end }}
{{- range $index, $mount := .Values.secretMounts }}
- name: secret-{{ $index }}
  secret:
    {{- omit $mount "mountPath" | toYaml | nindent 4 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Makes references to Secrets and ConfigMaps optional: (dict "in" map "keys" list). */}}
{{- define "rr.optional" -}}
{{- range $key := .keys -}}
{{- with get $.in $key -}}
{{- $_ := set . "optional" true -}}
{{- end -}}
{{- end -}}
{{- end -}}
