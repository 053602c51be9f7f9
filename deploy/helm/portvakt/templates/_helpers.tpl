{{/* Everything is called like the release. */}}
{{- define "portvakt.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portvakt.selector" -}}
app.kubernetes.io/name: portvakt
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "portvakt.labels" -}}
{{ include "portvakt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "portvakt.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Not empty where documents are read from the cluster. */}}
{{- define "portvakt.readsCluster" -}}
{{- if dig "applications" "kubernetes" "enabled" false .Values.config }}true{{ end -}}
{{- end -}}

{{/* What the chart itself says in Portvakt's configuration. */}}
{{- define "portvakt.ownConfig" -}}
listen:
  ext_authz:
    - {address: "0.0.0.0:9001", asked_by: workloads}
    - {address: "0.0.0.0:9002", asked_by: gateways{{ if .Values.waypoint }}, forwarded_client_cert: true{{ end }}}
  admin: "0.0.0.0:9090"
  {{- if .Values.console.enabled }}
  console: {address: "127.0.0.1:9091"}
  {{- end }}
  {{- if .Values.tls.enabled }}
  tls:
    certificate: /etc/portvakt/tls/tls.crt
    private_key: /etc/portvakt/tls/tls.key
    {{- if .Values.tls.clientCertificates }}
    client_ca: /etc/portvakt/tls/ca.crt
    {{- end }}
  {{- end }}
shutdown:
  delay: {{ .Values.shutdown.delaySeconds }}s
  grace: {{ .Values.shutdown.graceSeconds }}s
{{- end -}}
