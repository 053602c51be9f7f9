//! The SPIFFE ids that a mesh gives to workloads.

use crate::config::Workload;

/// A workload's identity: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
///
/// Source: Istio, "Istio identity".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkloadId<'a> {
    pub namespace: &'a str,
    pub service_account: &'a str,
}

impl<'a> WorkloadId<'a> {
    /// Reads a certificate's principal; `None` unless it is exactly such an id of a trusted domain.
    pub fn parse(principal: &'a str, trust_domains: &[String]) -> Option<Self> {
        let (trust_domain, path) = principal.strip_prefix("spiffe://")?.split_once('/')?;
        if !trust_domains.iter().any(|trusted| trusted == trust_domain) {
            return None;
        }
        let mut parts = path.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("ns"), Some(namespace), Some("sa"), Some(service_account), None)
                if !namespace.is_empty() && !service_account.is_empty() =>
            {
                Some(Self { namespace, service_account })
            }
            _ => None,
        }
    }

    /// Whether it is one of these.
    pub fn is_among(&self, workloads: &[Workload]) -> bool {
        workloads.iter().any(|workload| {
            (self.namespace, self.service_account)
                == (workload.namespace.as_str(), workload.service_account.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_workload_ids_of_trusted_domains_are_read() {
        let trusted = ["cluster.local".to_owned()];
        let id = WorkloadId::parse("spiffe://cluster.local/ns/team-a/sa/api", &trusted);
        assert_eq!(id, Some(WorkloadId { namespace: "team-a", service_account: "api" }));
        for principal in [
            "",
            "api.example.com",
            "cluster.local/ns/team-a/sa/api",
            "spiffe://other.local/ns/team-a/sa/api",
            "spiffe://cluster.local.evil/ns/team-a/sa/api",
            "spiffe://Cluster.local/ns/team-a/sa/api",
            "spiffe:///ns/team-a/sa/api",
            "spiffe://cluster.local/ns/team-a",
            "spiffe://cluster.local/ns//sa/api",
            "spiffe://cluster.local/ns/team-a/sa/",
            "spiffe://cluster.local/ns/team-a/sa/api/",
            "spiffe://cluster.local/ns/team-a/sa/api/x",
            "spiffe://cluster.local//ns/team-a/sa/api",
            "spiffe://cluster.local/sa/api/ns/team-a",
            "https://cluster.local/ns/team-a/sa/api",
        ] {
            assert_eq!(WorkloadId::parse(principal, &trusted), None, "{principal}");
        }
    }
}
