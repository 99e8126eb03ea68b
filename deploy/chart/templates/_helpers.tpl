{{- define "aftershock.labels" -}}
app.kubernetes.io/name: aftershock
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The configuration as values. What the pods could not use is a mistake here, not at the first start. */ -}}
{{- define "aftershock.config" -}}
{{- $config := fromYaml .Values.config }}
{{- with get $config "Error" }}{{ fail (printf "config: %s" .) }}{{ end }}
{{- if ne (get $config "apiVersion") "aftershock/v1" }}{{ fail "config: apiVersion: want aftershock/v1; set the text of the file by --set-file config=aftershock.yaml" }}{{ end }}
{{- $cluster := $config.cluster | default dict }}
{{- range list "context" "kubeconfig" }}
{{- if hasKey $cluster . }}{{ fail (printf "config: cluster.%s: in the cluster the account of the pod is used: leave it out" .) }}{{ end }}
{{- end }}
{{- $namespace := $cluster.namespace | default "aftershock" }}
{{- if ne $namespace .Release.Namespace }}{{ fail (printf "config: cluster.namespace is %s: install with --namespace %s" $namespace $namespace) }}{{ end }}
{{- toYaml $config }}
{{- end }}

{{- define "aftershock.account" -}}
{{- $config := include "aftershock.config" . | fromYaml }}
{{- $config.cluster.serviceAccount | default "aftershock" }}
{{- end }}

{{- /* Game days whose start is a schedule: five fields. */ -}}
{{- define "aftershock.schedules" -}}
{{- $config := include "aftershock.config" . | fromYaml }}
{{- $days := dict }}
{{- range $name, $day := $config.gamedays }}
{{- if regexMatch "^\\S+( +\\S+){4}$" ($day.start | default "now") }}{{ $_ := set $days $name $day }}{{ end }}
{{- end }}
{{- toYaml $days }}
{{- end }}

{{- define "aftershock.claim" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-records" .Release.Name) }}
{{- end }}
