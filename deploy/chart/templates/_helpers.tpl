{{- define "aftershock.labels" -}}
app.kubernetes.io/name: aftershock
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "aftershock.gatePods" -}}
app.kubernetes.io/name: aftershock
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gate
{{- end }}

{{- define "aftershock.gateLabels" -}}
{{ include "aftershock.labels" . }}
app.kubernetes.io/component: gate
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

{{- /* What the pods of game days and of the gate share. */ -}}
{{- define "aftershock.pod" -}}
serviceAccountName: {{ include "aftershock.account" . }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds | int }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.Values $key }}
{{ $key }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aftershock.container" -}}
image: {{ toJson .Values.image }}
imagePullPolicy: {{ .Values.imagePullPolicy }}
workingDir: /work # where commands of people, by kubectl exec, find runs
{{- with .Values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "aftershock.mounts" -}}
- {name: config, mountPath: /etc/aftershock, readOnly: true}
- {name: records, mountPath: /work}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "aftershock.volumes" -}}
- name: config
  configMap: {name: {{ .Release.Name }}}
- name: tmp
  emptyDir: {}
{{- end }}

{{- /* A claim for records, as persistence says: list of the root and the claim's name. */ -}}
{{- define "aftershock.newClaim" -}}
{{- $ := index . 0 }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ index . 1 }}
  namespace: {{ $.Release.Namespace }}
  labels: {{- include "aftershock.labels" $ | nindent 4 }}
  {{- if $.Values.persistence.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
  accessModes: {{ toJson $.Values.persistence.accessModes }}
  {{- with $.Values.persistence.storageClass }}
  storageClassName: {{ toJson . }}
  {{- end }}
  resources:
    requests: {storage: {{ $.Values.persistence.size }}}
{{- end }}
