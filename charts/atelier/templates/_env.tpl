{{/* One variable out of a Secret: dict "name" "secret" "key" "optional". */}}
{{- define "atelier.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}

{{/*
The environment that serve and migrate share: dict "root" "secret" (the Secret's name) "memory" (the memory limit).
A platform's tokens are optional here: which ones are there decides what is connected, and the program names at its start what is missing.
*/}}
{{- define "atelier.env" -}}
{{- $v := .root.Values -}}
{{- $c := $v.config -}}
{{- $k := $v.secretKeys -}}
{{- $secret := .secret -}}
{{- with include "atelier.memoryLimit" (.memory | default "") }}
- name: GOMEMLIMIT
  value: {{ . | quote }}
{{- end }}
- name: ATELIER_ADDR
  value: ":8080"
- name: ATELIER_OPS_ADDR
  value: ":9090"
{{- with $c.publicURL }}
- name: ATELIER_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
- name: ATELIER_LOG_LEVEL
  value: {{ $c.logLevel | quote }}
- name: ATELIER_DRAIN
  value: {{ $c.drain | quote }}
{{- if $v.redis.enabled }}
{{ include "atelier.secretEnv" (dict "name" "REDIS_PASSWORD" "secret" (include "atelier.redisSecretName" .root) "key" $v.redis.auth.key) }}
- name: ATELIER_REDIS_URL
  value: redis://:$(REDIS_PASSWORD)@{{ include "atelier.fullname" .root }}-redis:6379/0
{{- else }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_REDIS_URL" "secret" $secret "key" $k.redisURL) }}
- name: ATELIER_REDIS_MODE
  value: {{ $v.externalRedis.mode | quote }}
- name: ATELIER_REDIS_WAIT
  value: {{ $v.externalRedis.wait | quote }}
{{- if $v.externalRedis.tls.caSecret }}
# Read beside the system's own authorities, which lie in one file of the image.
- name: SSL_CERT_DIR
  value: /etc/atelier/redis-ca
{{- end }}
{{- end }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_KEYS" "secret" $secret "key" $k.keys) }}
- name: ATELIER_BLOB_URL
  value: {{ $v.blobs.url | default "file:///var/lib/atelier/blobs?create_dir=1&no_tmp_dir=1" | quote }}
- name: ATELIER_PROVIDERS
  value: {{ join "," $c.providers | quote }}
- name: ATELIER_DEFAULT_PROVIDER
  value: {{ $c.defaultProvider | quote }}
{{- range $name, $url := $c.providerURLs }}
- name: ATELIER_{{ upper $name }}_URL
  value: {{ $url | quote }}
{{- end }}
{{- if has "selfhosted" $c.providers }}
- name: ATELIER_SELFHOSTED_SHAPE
  value: {{ $c.selfhosted.shape | quote }}
{{- end }}
{{- if $c.rooms }}
{{- $rooms := list }}
{{- range $key, $list := $c.rooms }}{{ $rooms = append $rooms (printf "%s=%s" $key (join "," $list)) }}{{ end }}
- name: ATELIER_ROOMS
  value: {{ join ";" $rooms | quote }}
{{- end }}
{{- with $c.admins }}
- name: ATELIER_ADMINS
  value: {{ join "," . | quote }}
{{- end }}
{{- if $c.slack.enabled }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_SLACK_BOT_TOKEN" "secret" $secret "key" $k.slackBotToken "optional" true) }}
{{- if eq $c.slack.mode "socket" }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_SLACK_APP_TOKEN" "secret" $secret "key" $k.slackAppToken "optional" true) }}
{{- else }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_SLACK_SIGNING_SECRET" "secret" $secret "key" $k.slackSigningSecret "optional" true) }}
{{- end }}
- name: ATELIER_SLACK_HISTORY
  value: {{ $c.slack.history | quote }}
{{- with $c.slack.apiURL }}
- name: ATELIER_SLACK_API_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if $c.discord.enabled }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_DISCORD_BOT_TOKEN" "secret" $secret "key" $k.discordBotToken "optional" true) }}
{{- if $c.discord.applicationID }}
- name: ATELIER_DISCORD_APPLICATION_ID
  value: {{ $c.discord.applicationID | quote }}
{{- else }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_DISCORD_APPLICATION_ID" "secret" $secret "key" $k.discordApplicationID "optional" true) }}
{{- end }}
{{- if eq $c.discord.mode "http" }}
{{- if $c.discord.publicKey }}
- name: ATELIER_DISCORD_PUBLIC_KEY
  value: {{ $c.discord.publicKey | quote }}
{{- else }}
{{ include "atelier.secretEnv" (dict "name" "ATELIER_DISCORD_PUBLIC_KEY" "secret" $secret "key" $k.discordPublicKey "optional" true) }}
{{- end }}
{{- end }}
- name: ATELIER_DISCORD_SHARDS
  value: {{ $c.discord.shards | quote }}
{{- with $c.discord.apiURL }}
- name: ATELIER_DISCORD_API_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}
- name: ATELIER_CATCH_UP_AGE
  value: {{ $c.catchUp.age | quote }}
- name: ATELIER_CATCH_UP_MESSAGES
  value: {{ $c.catchUp.messages | int | quote }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Volumes and mounts that serve and migrate share: the system's /tmp, and Redis' authority. */}}
{{- define "atelier.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- if and (not .Values.redis.enabled) .Values.externalRedis.tls.caSecret }}
- name: redis-ca
  secret:
    secretName: {{ .Values.externalRedis.tls.caSecret }}
    items:
      - key: {{ .Values.externalRedis.tls.caKey }}
        path: ca.crt
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "atelier.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if and (not .Values.redis.enabled) .Values.externalRedis.tls.caSecret }}
- name: redis-ca
  mountPath: /etc/atelier/redis-ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
