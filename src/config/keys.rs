//! Every key of the configuration: one table, from which unknown keys are known, environment
//! variables are named, and which the documentation is tested against.

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In an environment variable: the text as it stands.
    Text,
    /// In an environment variable: YAML.
    Yaml,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The names on the way to it, joined by dots; `[]` after that of a list.
    pub path: &'static str,
    pub kind: Kind,
    /// In words where it is no plain value.
    pub default: &'static str,
    /// What it is for, in one sentence.
    pub purpose: &'static str,
}

impl Key {
    /// The variable that overrides it. The members of a list have none: the list has one.
    pub fn variable(&self) -> Option<String> {
        let is_member = self.path.contains("[]") || self.path.contains('*');
        (!is_member).then(|| format!("PORTVAKT_{}", self.path.to_uppercase().replace('.', "__")))
    }

    /// Its row in the documentation's table.
    pub fn row(&self) -> String {
        let variable = self.variable().map_or("–".to_owned(), |name| format!("`{name}`"));
        format!("| `{}` | {variable} | {} | {} |", self.path, self.default, self.purpose)
    }
}

const fn text(path: &'static str, default: &'static str, purpose: &'static str) -> Key {
    Key { path, kind: Kind::Text, default, purpose }
}

const fn yaml(path: &'static str, default: &'static str, purpose: &'static str) -> Key {
    Key { path, kind: Kind::Yaml, default, purpose }
}

/// The table, in the order of the documentation.
pub const KEYS: &[Key] = &[
    text(
        "cluster",
        "`NAIS_CLUSTER_NAME`",
        "The cluster that documents and rules mean when they name none.",
    ),
    yaml(
        "listen.ext_authz",
        "`0.0.0.0:9001`",
        "Where Envoys ask: one address or a list; a bare address means `asked_by: any`.",
    ),
    text(
        "listen.ext_authz[].address",
        "required",
        "A TCP address, or `unix:` and the path of a socket.",
    ),
    text(
        "listen.ext_authz[].asked_by",
        "`any`",
        "`any`, `workloads` (Host is never consulted) or `gateways` (Host decides).",
    ),
    yaml(
        "listen.ext_authz[].forwarded_client_cert",
        "`false`",
        "Whether the last element of `x-forwarded-client-cert` names the workload that calls, where the proxy tells none itself.",
    ),
    text(
        "listen.admin",
        "`0.0.0.0:9090`",
        "Where `/livez`, `/readyz`, `/metrics` and `/usage` are found.",
    ),
    text(
        "listen.console.address",
        "none",
        "Where the console is found, for instance `127.0.0.1:9091`; switches it on. It knows no users of its own.",
    ),
    yaml(
        "listen.console.hosts",
        "none",
        "Host names by which browsers may call the console, beside loopback names and its address.",
    ),
    text(
        "listen.tls.certificate",
        "none",
        "PEM file of the certificate chain; switches TLS on for the TCP listeners of `ext_authz`.",
    ),
    text("listen.tls.private_key", "none", "PEM file of its private key."),
    text(
        "listen.tls.client_ca",
        "none",
        "PEM file of the authority that signed the proxies' certificates; switches mTLS on.",
    ),
    yaml(
        "entra.tenants",
        "the NAIS variables",
        "The tenants whose tokens are accepted; the first is that of documents which name none.",
    ),
    text(
        "entra.tenants[].well_known_url",
        "none",
        "The metadata document, which tells issuer and keys.",
    ),
    text("entra.tenants[].issuer", "from the metadata", "`iss` of the tenant's tokens, exactly."),
    text("entra.tenants[].jwks_uri", "from the metadata", "The key set."),
    text(
        "entra.tenants[].tenant_id",
        "the GUID in the issuer's path",
        "`tid` of the tenant's tokens.",
    ),
    text(
        "entra.tenants[].name",
        "none",
        "What documents call this tenant, for instance `trygdeetaten.no`.",
    ),
    text(
        "entra.tenants[].graph.client_id",
        "`AZURE_APP_CLIENT_ID`",
        "As which application Microsoft Graph is asked about the tenant's users.",
    ),
    text(
        "entra.tenants[].graph.client_secret_file",
        "`AZURE_APP_CLIENT_SECRET`",
        "File that holds nothing but that application's secret.",
    ),
    text(
        "entra.tenants[].graph.certificate_file",
        "none",
        "Instead of a secret: PEM file of a certificate of that application.",
    ),
    text(
        "entra.tenants[].graph.private_key_file",
        "none",
        "PEM file of the certificate's RSA key.",
    ),
    text(
        "entra.required_role",
        "`access_as_application`",
        "What a token of an application must carry in `roles`.",
    ),
    text(
        "entra.required_scope",
        "`defaultaccess`",
        "What a token of a user through another application must carry in `scp`.",
    ),
    text(
        "entra.max_token_lifetime",
        "`24h`",
        "The longest lifetime of a token that is accepted, at most `29h`; tokens of continuous access evaluation live up to 28 hours.",
    ),
    yaml(
        "entra.accept_v1_tokens",
        "`false`",
        "Whether every application takes v1.0 tokens, and not only those whose documents ask for it.",
    ),
    text(
        "entra.proxy",
        "`HTTPS_PROXY`, `NO_PROXY`",
        "The proxy through which issuers and Graph are reached; both cases of the variables count.",
    ),
    text(
        "entra.keys.refresh_interval",
        "`1h`",
        "Between refreshes of a key set that nothing asked for.",
    ),
    text(
        "entra.keys.cooldown",
        "`60s`",
        "The least time between two refreshes that unknown keys asked for.",
    ),
    text(
        "entra.keys.max_age",
        "`24h`",
        "After this long without a successful refresh the keys are no longer trusted.",
    ),
    yaml(
        "entra.graph.enabled",
        "`false`",
        "Whether groups that a token does not list, because they are too many, are looked up in Microsoft Graph.",
    ),
    text(
        "entra.graph.membership",
        "`direct`",
        "`direct`, as NAIS counts it, or `transitive`: members of members count too.",
    ),
    text("entra.graph.cache_lifetime", "`5m`", "How long an answer counts."),
    yaml(
        "entra.graph.concurrency",
        "`16`",
        "Look-ups under way at once; further ones wait for as long as their check may take.",
    ),
    text(
        "entra.graph.url",
        "`https://graph.microsoft.com`",
        "Where Microsoft Graph is found; national clouds have their own.",
    ),
    text(
        "entra.graph.login_url",
        "`https://login.microsoftonline.com`",
        "Where access tokens for Graph are had, without the tenant.",
    ),
    yaml(
        "applications.paths",
        "none",
        "Files and folders of YAML documents, watched. A bare path is trusted with every namespace.",
    ),
    text(
        "applications.paths[].path",
        "required",
        "A file or folder. Relative ones start from this file's folder.",
    ),
    yaml(
        "applications.paths[].namespaces",
        "all",
        "The namespaces whose applications its documents may describe; others there are ignored.",
    ),
    yaml(
        "applications.candidate_paths",
        "none",
        "Files and folders of documents that are tried on every request, beside those in force: what they would decide otherwise is counted and logged, and has no influence.",
    ),
    text(
        "applications.candidate_paths[].path",
        "required",
        "A file or folder, as in `applications.paths`.",
    ),
    yaml("applications.candidate_paths[].namespaces", "all", "As in `applications.paths`."),
    yaml(
        "applications.pre_authorized",
        "none",
        "Files of further consumers, in the shape of `AZURE_APP_PRE_AUTHORIZED_APPS`, watched.",
    ),
    yaml(
        "applications.kubernetes.enabled",
        "`false`",
        "Documents from the cluster itself, by its API server: `KUBECONFIG`, or the pod's service account.",
    ),
    yaml(
        "applications.kubernetes.namespaces",
        "all",
        "The namespaces whose documents are read; empty for all.",
    ),
    text(
        "applications.default_mode",
        "`enforce`",
        "`enforce`, or `shadow`: what is refused is let through and reported, but for applications whose documents state `portvakt.dev/mode: enforce`.",
    ),
    yaml(
        "target.sources",
        "all three",
        "Which of `context_extension`, `destination_principal` and `host` may name the target. Their order is fixed.",
    ),
    yaml(
        "target.trust_domains",
        "`cluster.local`",
        "SPIFFE trust domains whose principals are believed.",
    ),
    yaml(
        "target.gateways",
        "none",
        "`namespace/service account` of gateways, whose Host header decides.",
    ),
    text(
        "target.default_application",
        "the NAIS variables",
        "`cluster:namespace:application`, for a sidecar in front of one.",
    ),
    yaml(
        "unauthenticated_paths",
        "none",
        "Paths that need no token at any application; `*` is one segment, `**` at the end any number.",
    ),
    yaml(
        "allow_cors_preflight",
        "`false`",
        "Whether OPTIONS with Origin and Access-Control-Request-Method needs no token.",
    ),
    text(
        "headers.prefix",
        "`x-caller-`",
        "Begins the name of every header that tells of the caller.",
    ),
    text(
        "headers.names.*",
        "the prefix and the fact",
        "Another name for one fact, or `null` to leave it out.",
    ),
    yaml(
        "headers.strip_authorization",
        "`false`",
        "Whether the upstream gets no Authorization header.",
    ),
    text(
        "resource_metadata",
        "none",
        "RFC 9728: the URL that challenges name as `resource_metadata`.",
    ),
    text(
        "mesh.bind_tokens",
        "`report`",
        "Whether the workload that presents a token must be the token's application: `off`, `report` or `enforce`.",
    ),
    yaml(
        "token_cache.max_bytes",
        "`67108864`",
        "Upper bound of the cache of verified tokens; 0 switches it off.",
    ),
    yaml(
        "limits.concurrent_checks",
        "`1024`",
        "Checks under way at once; more are denied as `overloaded`.",
    ),
    text(
        "limits.deadline",
        "`150ms`",
        "The longest that one check may take, whatever Envoy's timeout.",
    ),
    yaml(
        "limits.connections",
        "`1024`",
        "Connections that may be open at once, over all listeners of `ext_authz`; more wait.",
    ),
    yaml(
        "limits.streams_per_connection",
        "`1024`",
        "HTTP/2 streams that one connection may have open.",
    ),
    yaml("limits.message_bytes", "`262144`", "The largest CheckRequest that is read."),
    text(
        "limits.connection_age",
        "`15m`",
        "About how long a connection lives, a tenth more or less, so that load spreads over replicas.",
    ),
    text("shutdown.delay", "`5s`", "Between \"not serving\" and the end of accepting."),
    text("shutdown.grace", "`20s`", "For requests under way, after that."),
    text("log.filter", "`info`", "What is logged, for instance `warn` or `portvakt=debug`."),
    text("log.format", "`auto`", "`json`, `text`, or `auto`: text on a terminal."),
    text(
        "decision_log.to",
        "`off`",
        "Where decisions are written, a JSON line for each: `off`, `stdout`, or the path of a file.",
    ),
    text(
        "decision_log.decisions",
        "`all`",
        "`all`, `denials`, or `sampled`: every denial, and one in so many of what is allowed.",
    ),
    yaml("decision_log.one_in", "`100`", "With `sampled`: of so many allowed, one is written."),
    yaml(
        "decision_log.max_bytes",
        "`104857600`",
        "How large the file grows before it is renamed and a new one begun.",
    ),
    yaml(
        "decision_log.files",
        "`5`",
        "How many full files are kept beside it: `.1` is the newest.",
    ),
    text(
        "decision_log.personal_data",
        "`hashed`",
        "`plain`; `hashed`: users by a keyed hash; `omitted`: nothing about users, and no paths.",
    ),
    text(
        "decision_log.key_file",
        "drawn at each start",
        "File with the key of these hashes, 32 bytes at least: the same at all instances, so that their lines can be joined.",
    ),
    text(
        "usage.file",
        "none",
        "Where it is kept over restarts which rules, groups and applications are used; one for each instance.",
    ),
];

/// The names that may stand at the beginning of a line of a configuration.
pub fn top_level_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.path.split('.').next().unwrap_or(key.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_key_with_its_variable() {
        let documentation = include_str!("../../docs/configuration.md");
        let is_row = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 5;
        let documented: Vec<_> = documentation.lines().filter(is_row).collect();
        let rows: Vec<_> = KEYS.iter().map(Key::row).collect();
        assert_eq!(documented, rows, "`portvakt keys` prints the table as it should be");
    }
}
