# What Portvakt decides about the sample API, for OPA: the same checks and the same headers, with
# the keys given beforehand instead of fetched.
package envoy.authz

request := input.attributes.request.http

token := substring(request.headers.authorization, 7, -1) if {
	startswith(lower(request.headers.authorization), "bearer ")
}

verified := io.jwt.decode_verify(token, {
	"cert": data.keys,
	"alg": "RS256",
	"iss": data.issuer,
	"aud": data.audience,
})

claims := verified[2] if verified[0]

consumer := data.consumers[claims.azp]

default answer := {"allowed": false, "http_status": 403}

answer := {"allowed": true, "headers": caller} if {
	request.host == data.host
	claims.ver == "2.0"
	claims.tid == data.tenant
	consumer
	some group in claims.groups
	group in data.groups
}

caller := {
	"x-caller-kind": "user",
	"x-caller-application": consumer,
	"x-caller-client-id": claims.azp,
	"x-caller-object-id": claims.oid,
	"x-caller-subject": claims.sub,
	"x-caller-tenant-id": claims.tid,
	"x-caller-scopes": claims.scp,
	"x-caller-groups": concat(",", [group | some group in claims.groups; group in data.groups]),
	"x-caller-name": claims.name,
	"x-caller-username": claims.preferred_username,
	"x-caller-navident": claims.NAVident,
}
