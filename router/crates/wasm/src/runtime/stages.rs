//! The stages of a hook: what it sees of each, and what becomes of its changes. Knows no instance.

use std::mem::take;

use braid_plugin::{
    Entries, ExecutedStage, ExecutionStage, OperationStage, Plugin, Refused, RequestStage, ResponseStage, Stage,
    SubgraphRequestStage, SubgraphResponseStage,
};
use braid_request_context::RequestContext;
use http::HeaderMap;

use crate::runtime::exchange::{Body, Client, Draft, Exchange, Message};
use crate::runtime::hook::{Hook, Outcome};

impl Plugin for Hook {
    fn stages(&self) -> &[Stage] {
        Hook::stages(self)
    }

    async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
        let RequestStage { context, body } = stage;
        Entries::lay(context);
        if !self.takes_part_in(Stage::Request) {
            return Ok(());
        }
        let message = Message::Request(Body::new(body));
        let exchange = self.exchange(Client::of(context), &mut context.headers, message);
        let (exchange, outcome) = self.handle(Stage::Request, context.trace.as_ref(), exchange);
        if let Message::Request(new) = self.end(exchange, &outcome, context) {
            replace(*body, new.replacement());
        }
        outcome.into()
    }

    async fn operation(&self, stage: &mut OperationStage<'_>) -> Result<(), Refused> {
        let OperationStage { context, operation } = stage;
        let message = Message::Operation(Box::new(Draft::new(take(*operation), self.on_error())));
        let exchange = self.exchange(Client::of(context), &mut context.headers, message);
        let (mut exchange, outcome) = self.handle(Stage::Operation, context.trace.as_ref(), exchange);
        // The operation goes back in any case: it was taken.
        if let Message::Operation(draft) = take(&mut exchange.message) {
            **operation = draft.end(outcome.counts());
        }
        self.end(exchange, &outcome, context);
        outcome.into()
    }

    async fn execution(&self, stage: &mut ExecutionStage<'_>) -> Result<(), Refused> {
        let ExecutionStage { context, operation, name, kind } = stage;
        let message = Message::Execution { operation: operation.clone(), name: name.map(str::to_owned), kind: *kind };
        let exchange = self.exchange(Client::of(context), &mut context.headers, message);
        let (exchange, outcome) = self.handle(Stage::Execution, context.trace.as_ref(), exchange);
        self.end(exchange, &outcome, context);
        outcome.into()
    }

    async fn subgraph_request(&self, stage: &mut SubgraphRequestStage<'_>) -> Result<(), Refused> {
        let message = Message::SubgraphRequest {
            subgraph: stage.subgraph.to_owned(),
            url: stage.url.to_owned(),
            kind: stage.kind,
            number: stage.number,
            body: stage.body.clone(),
            extensions: Vec::new(),
        };
        let exchange = self.exchange(Client::Shared(stage.context.clone()), stage.headers, message);
        let (exchange, outcome) = self.handle(Stage::SubgraphRequest, stage.context.trace.as_ref(), exchange);
        if let Message::SubgraphRequest { extensions, .. } = give_back(exchange, &outcome, stage.headers) {
            stage.extensions.extend(extensions);
        }
        outcome.into()
    }

    async fn subgraph_response(&self, stage: &mut SubgraphResponseStage<'_>) -> Result<(), Refused> {
        let message = Message::SubgraphResponse {
            subgraph: stage.subgraph.to_owned(),
            number: stage.number,
            status: *stage.status,
            body: Body::new(stage.body),
        };
        let exchange = self.exchange(Client::Shared(stage.context.clone()), stage.headers, message);
        let (exchange, outcome) = self.handle(Stage::SubgraphResponse, stage.context.trace.as_ref(), exchange);
        if let Message::SubgraphResponse { status, body, .. } = give_back(exchange, &outcome, stage.headers) {
            *stage.status = status;
            replace(stage.body, body.replacement());
        }
        outcome.into()
    }

    async fn executed(&self, stage: &mut ExecutedStage<'_>) -> Result<(), Refused> {
        let message = Message::Executed {
            name: stage.name.map(str::to_owned),
            status: *stage.status,
            response: Box::new(Draft::new(take(stage.response), self.on_error())),
        };
        let exchange = self.exchange(Client::Shared(stage.context.clone()), stage.headers, message);
        let (mut exchange, outcome) = self.handle(Stage::Executed, stage.context.trace.as_ref(), exchange);
        // The response goes back in any case: it was taken.
        if let Message::Executed { status, response, .. } = take(&mut exchange.message) {
            *stage.response = response.end(outcome.counts());
            if outcome.counts() {
                *stage.status = status;
            }
        }
        give_back(exchange, &outcome, stage.headers);
        outcome.into()
    }

    async fn response(&self, stage: &mut ResponseStage<'_>) -> Result<(), Refused> {
        let message = Message::Response { status: *stage.status, body: stage.body.as_deref().map(Body::new) };
        let exchange = self.exchange(Client::Shared(stage.context.clone()), stage.headers, message);
        let (exchange, outcome) = self.handle(Stage::Response, stage.context.trace.as_ref(), exchange);
        if let Message::Response { status, body } = give_back(exchange, &outcome, stage.headers) {
            *stage.status = status;
            if let (Some(body), Some(new)) = (&mut stage.body, body) {
                replace(*body, new.replacement());
            }
        }
        outcome.into()
    }
}

impl Hook {
    /// What a call is about. The headers are taken, and come back when it has ended.
    fn exchange(&self, client: Client, headers: &mut HeaderMap, message: Message) -> Exchange {
        let headers = Draft::new(take(headers), self.on_error());
        Exchange { client, headers, message, ..Exchange::default() }
    }

    /// Gives back what was taken of a context that can be changed, with the changes, if they count. What is left is the message, if it counts.
    fn end(&self, mut exchange: Exchange, outcome: &Outcome, context: &mut RequestContext) -> Message {
        let identity = exchange.identity.take().filter(|_| outcome.counts());
        let message = give_back(exchange, outcome, &mut context.headers);
        replace(&mut context.identity, identity);
        message
    }
}

impl Outcome {
    /// Whether what the hook changed is in force.
    fn counts(&self) -> bool {
        matches!(self, Self::Continued)
    }
}

impl From<Outcome> for Result<(), Refused> {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Continued | Outcome::Skipped => Ok(()),
            Outcome::Refused(refused) => Err(refused),
        }
    }
}

/// Gives headers and entries back. What is left is the message, if it counts.
fn give_back(mut exchange: Exchange, outcome: &Outcome, headers: &mut HeaderMap) -> Message {
    if outcome.counts() {
        exchange.leave_entries();
    }
    *headers = exchange.headers.end(outcome.counts());
    if outcome.counts() { exchange.message } else { Message::Nothing }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
