{{- define "postburn.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of all objects: 49 characters, as "-environment" is the longest of what comes after it. */ -}}
{{- define "postburn.fullname" -}}
{{- $name := include "postburn.name" . -}}
{{- $full := .Values.fullnameOverride | default (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) -}}
{{- $full | trunc 49 | trimSuffix "-" -}}
{{- end -}}

{{- define "postburn.selectorLabels" -}}
app.kubernetes.io/name: {{ include "postburn.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "postburn.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "postburn.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "postburn.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "postburn.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "postburn.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- /* The Secret for GitHub; nothing where post-mortems are files. */ -}}
{{- define "postburn.githubSecret" -}}
{{- $local := eq "local" (.Values.environment.POSTBURN_TRACKER | default "") -}}
{{- if and .Values.environment.POSTBURN_GITHUB_REPOSITORY (not $local) -}}
{{- if .Values.github.token -}}
{{ include "postburn.fullname" . }}-github
{{- else -}}
{{ required "github.existingSecret or github.token says how postburn writes issues; environment.POSTBURN_GITHUB_REPOSITORY=\"\" writes files instead" .Values.github.existingSecret }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Whether a Pod has a volume: for the store, or for post-mortems that are files. Then there is one Pod. */ -}}
{{- define "postburn.volume" -}}
{{- if not .Values.store.postgres.existingSecret -}}
{{- if gt (int .Values.replicaCount) 1 }}{{ fail "replicaCount above 1 needs store.postgres.existingSecret: replicas share a PostgreSQL" }}{{ end -}}
true
{{- else if not (include "postburn.githubSecret" .) -}}
{{- if gt (int .Values.replicaCount) 1 }}{{ fail "replicaCount above 1 needs environment.POSTBURN_GITHUB_REPOSITORY: files of post-mortems have one writer" }}{{ end -}}
true
{{- end -}}
{{- end -}}

{{- /* Over nodes and zones. A second replica on a node is better than one that waits for another node. */ -}}
{{- define "postburn.topologySpread" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "postburn.selectorLabels" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash] # an update's Pods among themselves
{{- end }}
{{- end -}}
