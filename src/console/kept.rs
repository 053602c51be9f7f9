//! The graph of the generation in force, drawn when somebody first asks for it.

use std::sync::{Arc, Weak};

use tokio::{sync::Mutex, task};

use crate::{applications::Generation, graph::Graph};

/// The graph that was drawn last, and of what.
#[derive(Debug, Default)]
pub struct Kept(Mutex<(Weak<Generation>, Arc<Graph>)>);

impl Kept {
    /// The graph of a generation. Whoever asks while it is being drawn waits for it.
    pub async fn graph_of(&self, generation: &Arc<Generation>) -> Arc<Graph> {
        let mut kept = self.0.lock().await;
        if !Weak::ptr_eq(&kept.0, &Arc::downgrade(generation)) {
            let drawn = Arc::clone(generation);
            // Milliseconds for thousands of applications: not on a thread that answers checks.
            let graph = task::spawn_blocking(move || Graph::of(drawn.index.applications())).await;
            *kept = (Arc::downgrade(generation), Arc::new(graph.unwrap_or_default()));
        }
        Arc::clone(&kept.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        applications::{Application, DisabledBecause},
        target::Index,
    };

    #[tokio::test]
    async fn each_generation_is_drawn_once() {
        let generation = |names: &[&str]| {
            let mut index = Index::new("c");
            for name in names {
                let id = name.parse().unwrap();
                index.insert(Application::disabled(id, DisabledBecause::NoClientId).into());
            }
            Arc::new(Generation { index })
        };
        let kept = Kept::default();
        let (old, new) = (generation(&["c:n:a"]), generation(&["c:n:a", "c:n:b"]));
        let first = kept.graph_of(&old).await;
        assert_eq!(first.nodes().len(), 1);
        assert!(Arc::ptr_eq(&first, &kept.graph_of(&old).await));
        assert_eq!(kept.graph_of(&new).await.nodes().len(), 2);
    }
}
