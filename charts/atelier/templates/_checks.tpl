{{/* What cannot work, all at once; the schema has already looked at single values. */}}
{{- define "atelier.checks" -}}
{{- $v := .Values -}}
{{- $c := $v.config -}}
{{- $bad := list -}}
{{- $max := include "atelier.maxReplicas" . | int -}}
{{- $min := include "atelier.minReplicas" . | int -}}

{{- $drain := include "atelier.seconds" $c.drain | int -}}
{{- $needs := add $drain $v.preStopSeconds 5 | int -}}
{{- if ge $needs (int $v.terminationGracePeriodSeconds) -}}
{{- $bad = append $bad (printf "terminationGracePeriodSeconds is %d: config.drain (%s), preStopSeconds (%d) and 5 s to hand over make %d; raise it above that, or lower config.drain" (int $v.terminationGracePeriodSeconds) $c.drain (int $v.preStopSeconds) $needs) -}}
{{- end -}}

{{- if include "atelier.volume" . -}}
{{- if gt $max 1 -}}
{{- if not $v.persistence.enabled -}}
{{- $bad = append $bad (printf "persistence.enabled is false with up to %d replicas: each would see only its own pictures; use a ReadWriteMany volume, or blobs.url with an object store" $max) -}}
{{- else if not (has "ReadWriteMany" $v.persistence.accessModes) -}}
{{- $bad = append $bad (printf "persistence.accessModes is %s with up to %d replicas: they may run on different nodes, which only ReadWriteMany allows; or use blobs.url with an object store, or one replica" (toJson $v.persistence.accessModes) $max) -}}
{{- end -}}
{{- end -}}
{{- if and $v.persistence.enabled (has "ReadWriteOncePod" $v.persistence.accessModes) (not (has "ReadWriteMany" $v.persistence.accessModes)) (ne $v.strategy.type "Recreate") -}}
{{- $bad = append $bad "persistence.accessModes is ReadWriteOncePod: the new pod of an update would wait for the old one, which waits for the new one; set strategy.type=Recreate" -}}
{{- end -}}
{{- else if hasPrefix "file:" $v.blobs.url -}}
{{- $bad = append $bad "blobs.url is a file:// URL: leave it empty and set persistence" -}}
{{- else if hasPrefix "mem:" $v.blobs.url -}}
{{- $bad = append $bad "blobs.url is mem://: pictures would be gone at the first restart" -}}
{{- end -}}

{{- if and (not $c.slack.enabled) (not $c.discord.enabled) -}}
{{- $bad = append $bad "config.slack.enabled and config.discord.enabled are both false: there is nobody to talk to" -}}
{{- end -}}
{{- if not $c.publicURL -}}
{{- if and $c.slack.enabled (eq $c.slack.mode "http") -}}{{- $bad = append $bad "config.slack.mode is http without config.publicURL: Slack must reach https://…/slack/events there" -}}{{- end -}}
{{- if and $c.discord.enabled (eq $c.discord.mode "http") -}}{{- $bad = append $bad "config.discord.mode is http without config.publicURL: Discord must reach https://…/discord/interactions there" -}}{{- end -}}
{{- end -}}
{{- if not (has $c.defaultProvider $c.providers) -}}
{{- $bad = append $bad (printf "config.defaultProvider is %q, which is not among config.providers (%s)" $c.defaultProvider (join ", " $c.providers)) -}}
{{- end -}}
{{- if and (has "selfhosted" $c.providers) (not (hasKey $c.providerURLs "selfhosted")) -}}
{{- $bad = append $bad "config.providers has selfhosted without config.providerURLs.selfhosted: a server of your own has no address that could be known" -}}
{{- end -}}
{{- if and $v.providerData $v.existingProviderData -}}
{{- $bad = append $bad "providerData and existingProviderData are both set: choose one" -}}
{{- end -}}

{{- if and $v.secrets.create (not $v.secrets.keys) -}}
{{- $bad = append $bad "secrets.create is true without secrets.keys: make one with \"atelier keys new\" and keep it; without it sealed accounts cannot be opened" -}}
{{- end -}}
{{- if and $v.secrets.create (not $v.redis.enabled) (not $v.secrets.redisURL) -}}
{{- $bad = append $bad "secrets.create is true without secrets.redisURL: name a Redis, or set redis.enabled=true" -}}
{{- end -}}
{{- if and (not $v.secrets.create) (not $v.existingSecret) -}}
{{- $bad = append $bad "existingSecret is empty: name the Secret with ATELIER_KEYS and the tokens, or set secrets.create=true" -}}
{{- end -}}

{{- if $v.redis.enabled -}}
{{- if ne $v.externalRedis.mode "single" -}}{{- $bad = append $bad (printf "redis.enabled with externalRedis.mode=%s: the chart's own Redis is a single server" $v.externalRedis.mode) -}}{{- end -}}
{{- if $v.externalRedis.tls.caSecret -}}{{- $bad = append $bad "redis.enabled with externalRedis.tls.caSecret: the chart's own Redis speaks no TLS" -}}{{- end -}}
{{- if $v.secrets.redisURL -}}{{- $bad = append $bad "redis.enabled with secrets.redisURL: choose one Redis" -}}{{- end -}}
{{- end -}}

{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- $bad = append $bad (printf "autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (ne $v.strategy.type "RollingUpdate") -}}
{{- $bad = append $bad "autoscaling with strategy.type=Recreate: every update would stop all replicas" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (not (dig "requests" "cpu" "" $v.resources)) -}}
{{- $bad = append $bad "autoscaling without resources.requests.cpu: there is nothing that targetCPU could be a part of" -}}
{{- end -}}
{{- $available := $v.podDisruptionBudget.minAvailable | toString -}}
{{- if and $v.podDisruptionBudget.enabled (gt $max 1) -}}
{{- if and (regexMatch "^[0-9]+$" $available) (ge (int $available) $min) -}}
{{- $bad = append $bad (printf "podDisruptionBudget.minAvailable is %s of %d replicas: no node could ever be drained" $available $min) -}}
{{- end -}}
{{- if eq $available "100%" -}}
{{- $bad = append $bad "podDisruptionBudget.minAvailable is 100%: no node could ever be drained" -}}
{{- end -}}
{{- if and (eq $available "") (has ($v.podDisruptionBudget.maxUnavailable | toString) (list "0" "0%")) -}}
{{- $bad = append $bad "podDisruptionBudget.maxUnavailable is 0: no node could ever be drained" -}}
{{- end -}}
{{- end -}}

{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- $bad = append $bad "ingress.enabled without ingress.hosts: name at least one" -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- $bad = append $bad "httpRoute.enabled without httpRoute.parentRefs: name the Gateway" -}}
{{- end -}}

{{- if $bad -}}
{{- fail (printf "these values cannot work:\n  - %s\n" (join "\n  - " $bad)) -}}
{{- end -}}
{{- end }}
