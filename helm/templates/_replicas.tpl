{{/*
How many pods the Deployment asks for: `count`, or nothing when only the HorizontalPodAutoscaler knows. A field that is
left out after it was there counts as 1, so switching autoscaling on would end all pods but one: from then on it stays,
with the number that is live. Helm 4 applies on the server's side, which keeps a field as long as another has written it:
then it is left out, as soon as the autoscaler has. `lookup` asks the cluster; without one (`helm template`) nothing is
found.
*/}}
{{- define "rr.replicas" -}}
{{- if not .Values.autoscaling.enabled -}}
{{- dict "count" (int .Values.replicaCount) | toYaml -}}
{{- else -}}
{{- $name := include "rr.fullname" . -}}
{{- with lookup "apps/v1" "Deployment" .Release.Namespace $name -}}
{{- $scaler := lookup "autoscaling/v2" "HorizontalPodAutoscaler" $.Release.Namespace $name -}}
{{- $applied := false -}}
{{- $others := false -}}
{{- range .metadata.managedFields -}}
{{- if eq .operation "Apply" -}}
{{- $applied = true -}}
{{- else if hasKey (dig "fieldsV1" "f:spec" dict .) "f:replicas" -}}
{{- $others = true -}}
{{- end -}}
{{- end -}}
{{- $kept := dig "metadata" "annotations" "rr/replicas" "" . -}}
{{- if or (not $scaler) (and $kept (not (and $applied $others))) -}}
{{- dict "count" (int .spec.replicas) "kept" true | toYaml -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
