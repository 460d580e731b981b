//! The plugins of a router, by stage. Knows no plugin.

use std::fmt;
use std::sync::Arc;

use crate::plugin::{AnyPlugin, Plugin};
use crate::refused::Refused;
use crate::stages::{
    ExecutedStage, ExecutionStage, OperationStage, RequestStage, ResponseStage, Stage, SubgraphRequestStage,
    SubgraphResponseStage,
};

/// The plugins of a router. Cloning it is cheap.
#[derive(Clone, Default)]
pub struct Plugins(Option<Arc<ByStage>>);

/// The plugins that take part, in the order in which they are asked.
type ByStage = [Vec<Arc<dyn AnyPlugin>>; Stage::ALL.len()];

impl Plugins {
    /// The same with one more.
    #[must_use]
    pub fn with(self, plugin: impl Plugin) -> Self {
        let stages: Vec<_> = Stage::ALL.into_iter().filter(|stage| plugin.stages().contains(stage)).collect();
        if stages.is_empty() {
            return self;
        }
        let plugin: Arc<dyn AnyPlugin> = Arc::new(plugin);
        let mut by_stage = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        for stage in stages {
            let list = &mut by_stage[stage as usize];
            let at = if stage.is_on_the_way_out() { 0 } else { list.len() };
            list.insert(at, plugin.clone());
        }
        Self(Some(Arc::new(by_stage)))
    }

    /// Whether a plugin takes part in this stage.
    pub fn take_part_in(&self, stage: Stage) -> bool {
        !self.of(stage).is_empty()
    }

    fn of(&self, stage: Stage) -> &[Arc<dyn AnyPlugin>] {
        self.0.as_ref().map_or(&[], |by_stage| &by_stage[stage as usize])
    }

    /// Runs [`Stage::Request`].
    pub async fn request(&self, mut stage: RequestStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::Request) {
            plugin.request(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::Operation`].
    pub async fn operation(&self, mut stage: OperationStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::Operation) {
            plugin.operation(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::Execution`].
    pub async fn execution(&self, mut stage: ExecutionStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::Execution) {
            plugin.execution(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::SubgraphRequest`].
    pub async fn subgraph_request(&self, mut stage: SubgraphRequestStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::SubgraphRequest) {
            plugin.subgraph_request(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::SubgraphResponse`].
    pub async fn subgraph_response(&self, mut stage: SubgraphResponseStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::SubgraphResponse) {
            plugin.subgraph_response(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::Executed`].
    pub async fn executed(&self, mut stage: ExecutedStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::Executed) {
            plugin.executed(&mut stage).await?;
        }
        Ok(())
    }

    /// Runs [`Stage::Response`].
    pub async fn response(&self, mut stage: ResponseStage<'_>) -> Result<(), Refused> {
        for plugin in self.of(Stage::Response) {
            plugin.response(&mut stage).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taking_part = Stage::ALL.into_iter().map(|stage| (stage, self.of(stage).len()));
        f.debug_map().entries(taking_part.filter(|(_, plugins)| *plugins > 0)).finish()
    }
}
