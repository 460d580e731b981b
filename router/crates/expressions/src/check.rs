//! What an expression uses: found when it is compiled, so that a misspelt name is no surprise later. Knows no value.

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr};
use cel::{ExecutionError, IdedExpr, Program};

/// What an expression uses of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Uses {
    pub(crate) headers: bool,
    pub(crate) claims: bool,
    pub(crate) client_ip: bool,
}

/// A name that nobody knows.
pub(crate) struct Unknown {
    /// Where it is, in bytes from the beginning.
    pub(crate) offset: usize,
    pub(crate) problem: String,
}

/// The functions that can be called. Regular expressions are none of them: they would be compiled for each request.
const FUNCTIONS: [&str; 24] = [
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "quote",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
];

/// The deepest nesting of an expression: who evaluates it has the stack of a request.
const MAX_DEPTH: usize = 64;

/// Types are values too.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

/// Whether an error is one of the expression and of no request.
pub(crate) fn is_of_types(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::NoSuchOverload(_)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::UndeclaredReference(_)
    )
}

/// What a program uses.
pub(crate) fn uses(program: &Program) -> Result<Uses, Unknown> {
    let mut walk = Walk { program, uses: Uses::default(), bound: Vec::new(), depth: 0 };
    walk.expression(program.expression())?;
    Ok(walk.uses)
}

struct Walk<'a> {
    program: &'a Program,
    uses: Uses,
    /// The variables of the macros around the place.
    bound: Vec<&'a str>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn expression(&mut self, at: &'a IdedExpr) -> Result<(), Unknown> {
        if self.depth >= MAX_DEPTH {
            return Err(self.unknown(at.id, "it is nested too deeply; use a plugin".to_owned()));
        }
        self.depth += 1;
        let looked_at = self.below(at);
        self.depth -= 1;
        looked_at
    }

    fn below(&mut self, at: &'a IdedExpr) -> Result<(), Unknown> {
        match &at.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(at.id, name),
            Expr::Select(select) => self.expression(&select.operand),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.expression(element)),
            Expr::Map(map) => self.entries(&map.entries),
            Expr::Struct(made) => self.entries(&made.entries),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                // Operators have names that nobody can write.
                let is_written = name.starts_with(|first: char| first.is_ascii_alphabetic());
                if is_written && !FUNCTIONS.contains(&name) {
                    let unknown = self.unknown(at.id, format!("the function \"{name}\" is unknown"));
                    // The place of a call is its parenthesis.
                    return Err(Unknown { offset: unknown.offset.saturating_sub(name.len()), ..unknown });
                }
                call.target.iter().try_for_each(|target| self.expression(target))?;
                call.args.iter().try_for_each(|argument| self.expression(argument))
            }
            Expr::Comprehension(of) => {
                self.expression(&of.iter_range)?;
                self.expression(&of.accu_init)?;
                let outside = self.bound.len();
                self.bound.extend([of.iter_var.as_str(), of.accu_var.as_str()]);
                self.bound.extend(of.iter_var2.as_deref());
                for inside in [&of.loop_cond, &of.loop_step, &of.result] {
                    self.expression(inside)?;
                }
                self.bound.truncate(outside);
                Ok(())
            }
        }
    }

    fn entries(&mut self, entries: &'a [IdedEntryExpr]) -> Result<(), Unknown> {
        entries.iter().try_for_each(|entry| match &entry.expr {
            EntryExpr::StructField(field) => self.expression(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key)?;
                self.expression(&entry.value)
            }
        })
    }

    fn name(&mut self, id: u64, name: &str) -> Result<(), Unknown> {
        match name {
            _ if self.bound.contains(&name) || TYPES.contains(&name) => {}
            "headers" => self.uses.headers = true,
            "claims" => self.uses.claims = true,
            "client_ip" => self.uses.client_ip = true,
            _ => {
                let problem = format!("\"{name}\" is unknown; there are headers, claims and client_ip");
                return Err(self.unknown(id, problem));
            }
        }
        Ok(())
    }

    fn unknown(&self, id: u64, problem: String) -> Unknown {
        let (start, _) = self.program.source_info().offset_for(id).unwrap_or_default();
        Unknown { offset: start as usize, problem }
    }
}
