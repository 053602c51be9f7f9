//! Endpoint discovery by a file: what a control plane tells an Envoy of the instances.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{documents::replace, envoy::endpoint};

/// The file, and all instances that there are.
pub struct Discovery {
    pub file: PathBuf,
    instances: Vec<SocketAddr>,
}

impl Discovery {
    /// Tells of all instances from now on.
    pub fn of(instances: &[SocketAddr], folder: &Path) -> Self {
        let (file, instances) = (folder.join("endpoints.json"), instances.to_vec());
        let discovery = Self { file, instances };
        discovery.restore();
        discovery
    }

    /// Tells of all instances once more.
    pub fn restore(&self) {
        self.tell(&self.instances);
    }

    /// Tells of all but one.
    pub fn withdraw(&self, place: usize) {
        let mut rest = self.instances.clone();
        rest.remove(place);
        self.tell(&rest);
    }

    fn tell(&self, instances: &[SocketAddr]) {
        let endpoints: Vec<_> =
            instances.iter().map(|address| endpoint(&address.to_string())).collect();
        let assignment = json!({
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": "portvakt",
            "endpoints": [{"lb_endpoints": endpoints}],
        });
        // Envoy reads the file anew where another one takes its place.
        replace(&self.file, &json!({"resources": [assignment]}).to_string());
    }
}
