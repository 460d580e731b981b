//! From one subgraph's SDL to a schema that composition can work on. Knows nothing of other subgraphs, except `upgrade`.

pub(crate) mod definitions;
pub(crate) mod facts;
pub(crate) mod link;
mod link_url;
pub(crate) mod model;
pub(crate) mod read;
mod root_names;
pub(crate) mod sdl;
pub(crate) mod spec;
pub(crate) mod syntax;
pub(crate) mod upgrade;
