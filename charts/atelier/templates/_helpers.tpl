{{/* Names and labels. */}}
{{- define "atelier.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters leave room for the longest suffix, -dashboard. */}}
{{- define "atelier.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- $name := include "atelier.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "atelier.selectorLabels" -}}
app.kubernetes.io/name: {{ include "atelier.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of objects, without a component. */}}
{{- define "atelier.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "atelier.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: atelier
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of pods: without the chart's version, which would start new pods for nothing. */}}
{{- define "atelier.podLabels" -}}
{{ include "atelier.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: atelier
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "atelier.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "atelier.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{- default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "atelier.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The Secret that holds everything secret. The one that the chart makes has a name of its own: "atelier" may be yours. */}}
{{- define "atelier.secretName" -}}
{{- if .Values.secrets.create -}}{{ include "atelier.fullname" . }}-secrets{{- else -}}{{ tpl .Values.existingSecret . }}{{- end -}}
{{- end }}

{{- define "atelier.redisSecretName" -}}
{{- default (printf "%s-redis" (include "atelier.fullname" .)) .Values.redis.auth.existingSecret }}
{{- end }}

{{/* Whether pictures are on a volume rather than in an object store. */}}
{{- define "atelier.volume" -}}
{{- if not .Values.blobs.url }}true{{ end -}}
{{- end }}

{{- define "atelier.claimName" -}}
{{- default (printf "%s-blobs" (include "atelier.fullname" .)) .Values.persistence.existingClaim }}
{{- end }}

{{/* The most replicas that there can be at rest. */}}
{{- define "atelier.maxReplicas" -}}
{{- if .Values.autoscaling.enabled }}{{ max (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas) }}{{ else }}{{ int .Values.replicaCount }}{{ end -}}
{{- end }}

{{/* The fewest. */}}
{{- define "atelier.minReplicas" -}}
{{- if .Values.autoscaling.enabled }}{{ int .Values.autoscaling.minReplicas }}{{ else }}{{ int .Values.replicaCount }}{{ end -}}
{{- end }}

{{/* Whether requests from outside must reach the port for callbacks and pages. */}}
{{- define "atelier.open" -}}
{{- $open := .Values.networkPolicy.http.open | toString -}}
{{- if eq $open "" -}}
{{- if or .Values.ingress.enabled .Values.httpRoute.enabled (eq .Values.config.slack.mode "http") (eq .Values.config.discord.mode "http") (ne .Values.service.type "ClusterIP") }}true{{ end -}}
{{- else if eq $open "true" -}}true
{{- end -}}
{{- end }}

{{/* Seconds of a duration such as 170s, 2m30s or 1h. */}}
{{- define "atelier.seconds" -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[hms]" . -1 -}}
{{- $n := regexFind "[0-9]+" . | int -}}
{{- $sum = add $sum (mul $n (get (dict "h" 3600 "m" 60 "s" 1) (regexFind "[hms]" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end }}

{{/* Nine tenths of a memory limit in bytes: the rest is for what Go's runtime does not count. Nothing when the limit has another form. */}}
{{- define "atelier.memoryLimit" -}}
{{- $s := . | toString -}}
{{- if regexMatch "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$" $s -}}
{{- $unit := regexFind "[A-Za-z]+$" $s -}}
{{- $factor := get (dict "" 1 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000) $unit -}}
{{- mulf (float64 (regexFind "^[0-9.]+" $s)) $factor 0.9 | int64 -}}
{{- end -}}
{{- end }}

{{/* Checksums of what the chart makes and a process reads at its start only: a change starts new pods. */}}
{{- define "atelier.checksums" -}}
{{- if .Values.secrets.create }}
checksum/secrets: {{ include "atelier.secretData" . | sha256sum }}
{{- end }}
{{- if .Values.providerData }}
checksum/provider-data: {{ toJson .Values.providerData | sha256sum }}
{{- end }}
{{- end }}

{{- define "atelier.secretData" -}}
{{- $s := .Values.secrets -}}
{{- $keys := .Values.secretKeys -}}
{{- range $name := list "redisURL" "keys" "slackBotToken" "slackAppToken" "slackSigningSecret" "discordBotToken" }}
{{- with get $s $name }}
{{ get $keys $name }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Replaces a part of what Prometheus selects by this release's own. */}}
{{- define "atelier.job" -}}
{{- printf "job=\"%s-ops\",namespace=\"%s\"" (include "atelier.fullname" .) .Release.Namespace -}}
{{- end }}
