{{- define "braid.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "braid.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "braid.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "braid.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What identifies the pods of a program: dict "root" $ "component" NAME */}}
{{- define "braid.selector" -}}
app.kubernetes.io/name: {{ include "braid.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "braid.labels" -}}
{{ include "braid.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "braid.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "braid.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* dict "root" $ "component" NAME "digest" DIGEST */}}
{{- define "braid.image" -}}
{{- if .digest -}}
{{ .root.Values.image.registry }}/{{ .component }}@{{ .digest }}
{{- else -}}
{{ .root.Values.image.registry }}/{{ .component }}:{{ default .root.Chart.AppVersion .root.Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* What the profile "restricted" of the Pod Security Standards asks for, and more. */}}
{{- define "braid.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "braid.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* All secrets of a program as one volume: dict "secrets" (dict NAME (dict "secret" "key")). Each is a file of the variable's name. */}}
{{- define "braid.secretVolume" -}}
name: secrets
projected:
  # Readable by the group of the pod alone.
  defaultMode: 0440
  sources:
    {{- range $name, $from := .secrets }}
    - secret:
        name: {{ $from.secret }}
        items: [{ key: {{ $from.key }}, path: {{ $name }} }]
    {{- end }}
{{- end -}}

{{- define "braid.secretEnv" -}}
{{- range $name, $_ := .secrets }}
- { name: {{ $name }}_FILE, value: /var/run/braid/secrets/{{ $name }} }
{{- end }}
{{- end -}}

{{/* The secrets of the router as JSON: those of the values, and those that the chart's own configuration refers to. */}}
{{- define "braid.routerSecrets" -}}
{{- $secrets := dict -}}
{{- with .Values.redis.secret }}{{ $_ := set $secrets "REDIS_URL" (dict "secret" . "key" $.Values.redis.key) }}{{ end -}}
{{- with .Values.nats.secret }}{{ $_ := set $secrets "NATS_URL" (dict "secret" . "key" $.Values.nats.key) }}{{ end -}}
{{- if .Values.shop.enabled -}}
{{- $_ := set $secrets "ROUTER_TOKEN" (dict "secret" .Values.shop.secret "key" "router-token") -}}
{{- $_ := set $secrets "CACHE_INVALIDATION_SECRET" (dict "secret" .Values.shop.secret "key" "cache-invalidation-secret") -}}
{{- end -}}
{{- merge (deepCopy .Values.router.secrets) $secrets | toJson -}}
{{- end -}}

{{/* The schema's file, relative to router.yaml. */}}
{{- define "braid.schemaFile" -}}
{{- if .Values.schema.existingConfigMap -}}
schema/{{ .Values.schema.file }}
{{- else if .Values.schema.supergraph -}}
supergraph.graphql
{{- else -}}
supergraph.yaml
{{- end -}}
{{- end -}}

{{/* What is given over what the chart has, as JSON: dict "own" DICT "given" DICT. Other than Sprig's merge, false and 0 count, and null removes. */}}
{{- define "braid.over" -}}
{{- $all := deepCopy .own -}}
{{- range $key, $value := .given -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $all $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $all $key)) -}}
{{- $_ := set $all $key (include "braid.over" (dict "own" (get $all $key) "given" $value) | fromJson) -}}
{{- else -}}
{{- $_ := set $all $key $value -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* router.yaml, as YAML: what the values say, over what the cluster needs. */}}
{{- define "braid.routerConfig" -}}
{{- $file := include "braid.schemaFile" . -}}
{{- $source := dict "last_good" "/var/lib/braid/last-good.graphql" (hasSuffix ".yaml" $file | ternary "subgraphs" "supergraph") $file -}}
{{- $drain := .Values.router.drain -}}
{{- $server := dict "listen" "0.0.0.0:4000" "shutdown_delay" (printf "%ds" (int $drain.delay)) "shutdown_grace" (printf "%ds" (int $drain.grace)) -}}
{{- $own := dict "schema" $source "server" $server -}}
{{- if .Values.redis.secret -}}
{{- $redis := dict "url" "${env.REDIS_URL}" -}}
{{- $_ := set $own "rate_limits" (dict "redis" $redis) -}}
{{- $_ := set $own "cache" (dict "store" (dict "redis" $redis)) -}}
{{- $_ := set $own "reload" (dict "shared_operations" $redis) -}}
{{- $_ := set $own "persisted_operations" (dict "automatic" (dict "redis" $redis)) -}}
{{- end -}}
{{- if .Values.shop.enabled -}}
{{- $shop := tpl (.Files.Get "files/shop-router.yaml") . | fromYaml -}}
{{- $own = include "braid.over" (dict "own" $shop "given" $own) | fromJson -}}
{{- end -}}
{{- include "braid.over" (dict "own" $own "given" .Values.router.config) | fromJson | toYaml -}}
{{- end -}}
