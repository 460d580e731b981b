//! From the tree of an execution to the response: data, errors, extensions. Knows nothing of fetches.

use crate::complete::Completion;
use crate::error::{Errors, RESPONSE_LIMIT, TIMEOUT};
use crate::response::{RefusalPlace, Response, write_refusals};
use crate::run::Run;

impl<M> Run<'_, M> {
    pub(crate) fn finish(self) -> Response<M> {
        self.long_work.run(self.held, || self.respond())
    }

    fn respond(mut self) -> Response<M> {
        let mut out = self.write();
        let refused = self.refusals.count();
        if self.refusal_place == RefusalPlace::Errors {
            self.errors.append(std::mem::replace(&mut self.refusals, Errors::new(0)));
        }
        let (errors, error_codes) = (self.errors.len(), self.errors.codes());
        if self.record {
            self.record_errors();
        }
        self.errors.write(&mut out);
        let has_extensions = refused > 0 && self.refusal_place == RefusalPlace::Extensions;
        if has_extensions {
            write_refusals(&self.refusals, &mut out);
        }
        out.push(b'}');
        Response {
            bytes: out.into(),
            errors,
            error_codes,
            refused: u32::try_from(refused).unwrap_or(u32::MAX),
            has_extensions,
            timed_out: self.timed_out,
            fetches: self.reports,
            subgraph_answers: self.answers,
        }
    }

    /// Notes in the records of fetches which errors are about them.
    pub(crate) fn record_errors(&mut self) {
        for (number, fetch) in self.errors.fetches() {
            let report = self.reports.iter_mut().find(|report| report.fetch == fetch);
            if let Some(record) = report.and_then(|report| report.record.as_mut()) {
                record.errors.push(number);
            }
        }
    }

    fn write(&mut self) -> Vec<u8> {
        let received: usize = self.reports.iter().map(|report| report.response_bytes).sum();
        let mut out = Vec::with_capacity((received + received / 4).min(self.limits.max_response) + 64);
        out.extend_from_slice(b"{\"data\":");
        let root = self.root;
        let mut completion = self.completion(out);
        completion.data(root);
        match completion {
            Completion { is_late: true, .. } => {
                self.timed_out = true;
                self.without_data(TIMEOUT, "The time for this request is over; select less of the schema.".to_owned())
            }
            Completion { overflow: true, .. } => {
                let max = self.limits.max_response;
                self.without_data(RESPONSE_LIMIT, format!("The answer would be larger than {max} bytes; ask for less."))
            }
            Completion { out, .. } => out,
        }
    }

    /// What completes values of the tree as it is now, behind what is in `out`.
    pub(crate) fn completion(&mut self, out: Vec<u8>) -> Completion<'_> {
        let Self { operation, variables, tree, errors, refusals, limits, deadline, .. } = self;
        Completion {
            some_failed: self.gave_up || self.reports.iter().any(|report| report.failure.is_some()),
            gave_up: self.gave_up,
            names: self.names,
            out,
            ..Completion::new(operation, variables, tree, (errors, refusals), limits.max_response, *deadline)
        }
    }

    /// The beginning of a response that has this error and nothing else.
    pub(crate) fn without_data(&mut self, code: &'static str, message: String) -> Vec<u8> {
        self.errors = Errors::new(self.limits.max_errors.max(1));
        self.refusals = Errors::new(0);
        self.errors.report(code, message, Vec::new());
        b"{\"data\":null".to_vec()
    }
}
