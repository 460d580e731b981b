//! What hooks may call at one stage alone: the functions of what the stage is about. Knows no component.

use braid_plugin::{ClientOperation, GraphQLResponse};
use http::StatusCode;
use serde_json::value::RawValue;
use wasmtime::{Result, bail};

use super::Answer;
use super::values::{described, error, kind, length, object, read, written};
use crate::runtime::bindings::types::{GraphqlError, OperationKind};
use crate::runtime::bindings::{graphql_response, http_response, operation, subgraph_request, subgraph_response};
use crate::runtime::exchange::{Draft, Message};
use crate::runtime::refusal;
use crate::runtime::state::State;

/// A hook asks for what its stage is not about.
const ELSEWHERE: &str = "it called a function of an interface that this stage is not about";

impl operation::Host for State {
    fn name(&mut self) -> Result<Option<String>> {
        match &self.exchange.message {
            Message::Execution { name, .. } => Ok(name.clone()),
            _ => Ok(self.operation()?.operation_name.clone()),
        }
    }

    fn kind(&mut self) -> Result<Option<OperationKind>> {
        Ok(match &self.exchange.message {
            Message::Execution { kind: of, .. } => Some(kind(*of)),
            _ => None,
        })
    }

    fn query(&mut self) -> Result<Option<String>> {
        Ok(self.operation()?.query.clone())
    }

    fn document_id(&mut self) -> Result<Option<String>> {
        Ok(self.operation()?.document_id.clone())
    }

    fn variables(&mut self) -> Result<String> {
        Ok(self.operation()?.variables.to_raw().get().to_owned())
    }

    fn extensions(&mut self) -> Result<String> {
        Ok(self.operation()?.extensions.to_raw().get().to_owned())
    }

    fn set_query(&mut self, query: Option<String>) -> Answer<()> {
        self.change_operation(query.as_ref().map_or(0, String::len), |operation| {
            operation.query = query;
            Ok(())
        })
    }

    fn set_name(&mut self, name: Option<String>) -> Answer<()> {
        self.change_operation(name.as_ref().map_or(0, String::len), |operation| {
            operation.operation_name = name;
            Ok(())
        })
    }

    fn set_variables(&mut self, variables: String) -> Answer<()> {
        self.change_operation(variables.len(), |operation| {
            operation.variables = object(&variables)?;
            Ok(())
        })
    }

    fn set_extensions(&mut self, extensions: String) -> Answer<()> {
        self.change_operation(extensions.len(), |operation| {
            operation.extensions = object(&extensions)?;
            Ok(())
        })
    }
}

impl subgraph_request::Host for State {
    fn subgraph(&mut self) -> Result<String> {
        let Message::SubgraphRequest { subgraph, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(subgraph.clone())
    }

    fn url(&mut self) -> Result<String> {
        let Message::SubgraphRequest { url, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(url.clone())
    }

    fn kind(&mut self) -> Result<OperationKind> {
        let Message::SubgraphRequest { kind: of, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(kind(*of))
    }

    fn number(&mut self) -> Result<u64> {
        let Message::SubgraphRequest { number, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(*number)
    }

    fn body(&mut self) -> Result<String> {
        let Message::SubgraphRequest { body, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(String::from_utf8_lossy(body).into_owned())
    }

    fn set_extension(&mut self, name: String, value: String) -> Answer<()> {
        self.hand_over(name.len() + value.len())?;
        let Message::SubgraphRequest { extensions, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        Ok(read(&value).map(|value| extensions.push((name, value))))
    }
}

impl subgraph_response::Host for State {
    fn subgraph(&mut self) -> Result<String> {
        let Message::SubgraphResponse { subgraph, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(subgraph.clone())
    }

    fn number(&mut self) -> Result<u64> {
        let Message::SubgraphResponse { number, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(*number)
    }

    fn status(&mut self) -> Result<u16> {
        let Message::SubgraphResponse { status, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(*status)
    }

    fn set_status(&mut self, code: u16) -> Answer<()> {
        let Message::SubgraphResponse { status, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        if StatusCode::from_u16(code).is_err() {
            return Ok(Err(format!("{code} is not a status from 100 to 999")));
        }
        *status = code;
        Ok(Ok(()))
    }

    fn body(&mut self) -> Result<Vec<u8>> {
        let Message::SubgraphResponse { body, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(body.get().to_vec())
    }

    fn set_body(&mut self, set: Vec<u8>) -> Result<()> {
        self.hand_over(set.len())?;
        let Message::SubgraphResponse { body, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        body.set(set);
        Ok(())
    }
}

impl graphql_response::Host for State {
    fn operation_name(&mut self) -> Result<Option<String>> {
        let Message::Executed { name, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(name.clone())
    }

    fn status(&mut self) -> Result<u16> {
        let Message::Executed { status, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(status.as_u16())
    }

    fn set_status(&mut self, code: u16) -> Answer<()> {
        let Message::Executed { status, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        Ok(refusal::status(code).map(|code| *status = code))
    }

    fn data(&mut self) -> Result<Option<String>> {
        Ok(self.answer()?.get().data.as_ref().map(|data| data.get().to_owned()))
    }

    fn set_data(&mut self, data: Option<String>) -> Answer<()> {
        self.hand_over(data.as_ref().map_or(0, String::len))?;
        let data = match data.map(RawValue::from_string).transpose() {
            Ok(data) => data,
            Err(error) => return Ok(Err(format!("data is no JSON: {error}"))),
        };
        self.answer()?.change().data = data;
        Ok(Ok(()))
    }

    fn errors(&mut self) -> Result<Vec<GraphqlError>> {
        self.answer()?.get().errors.iter().map(described).collect()
    }

    fn set_errors(&mut self, errors: Vec<GraphqlError>) -> Answer<()> {
        self.hand_over(errors.iter().map(length).sum())?;
        let errors = match errors.into_iter().map(error).collect::<std::result::Result<Vec<_>, _>>() {
            Ok(errors) => errors,
            Err(problem) => return Ok(Err(problem)),
        };
        self.answer()?.change().errors = errors;
        Ok(Ok(()))
    }

    fn extension(&mut self, name: String) -> Result<Option<String>> {
        self.answer()?.get().extensions.get(&name).as_ref().map(written).transpose()
    }

    fn set_extension(&mut self, name: String, value: Option<String>) -> Answer<()> {
        self.hand_over(name.len() + value.as_ref().map_or(0, String::len))?;
        let value = match value.map(RawValue::from_string).transpose() {
            Ok(value) => value,
            Err(error) => return Ok(Err(format!("it is no JSON: {error}"))),
        };
        let extensions = &mut self.answer()?.change().extensions;
        match value {
            Some(value) => extensions.insert(&name, value),
            None => {
                extensions.remove(&name);
            }
        }
        Ok(Ok(()))
    }
}

impl http_response::Host for State {
    fn status(&mut self) -> Result<u16> {
        let Message::Response { status, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(status.as_u16())
    }

    fn set_status(&mut self, code: u16) -> Answer<()> {
        let Message::Response { status, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        Ok(refusal::status(code).map(|code| *status = code))
    }

    fn body(&mut self) -> Result<Option<Vec<u8>>> {
        let Message::Response { body, .. } = &self.exchange.message else { bail!(ELSEWHERE) };
        Ok(body.as_ref().map(|body| body.get().to_vec()))
    }

    fn set_body(&mut self, set: Vec<u8>) -> Answer<()> {
        self.hand_over(set.len())?;
        let Message::Response { body, .. } = &mut self.exchange.message else { bail!(ELSEWHERE) };
        match body {
            Some(body) => {
                body.set(set);
                Ok(Ok(()))
            }
            None => Ok(Err("the body is sent as it comes".to_owned())),
        }
    }
}

impl State {
    fn operation(&self) -> Result<&ClientOperation> {
        match &self.exchange.message {
            Message::Operation(operation) => Ok(operation.get()),
            Message::Execution { operation, .. } => Ok(operation),
            _ => bail!(ELSEWHERE),
        }
    }

    fn change_operation(
        &mut self,
        bytes: usize,
        change: impl FnOnce(&mut ClientOperation) -> std::result::Result<(), String>,
    ) -> Answer<()> {
        self.hand_over(bytes)?;
        match &mut self.exchange.message {
            Message::Operation(operation) => Ok(change(operation.change())),
            _ => Ok(Err("the operation is planned already; change it at on-operation".to_owned())),
        }
    }

    fn answer(&mut self) -> Result<&mut Draft<GraphQLResponse>> {
        match &mut self.exchange.message {
            Message::Executed { response, .. } => Ok(response),
            _ => bail!(ELSEWHERE),
        }
    }
}
