//! Reads the text of a document into its tree. What it can't read is not said here: see [`crate::parse`].

use apollo_compiler::Name;
use apollo_compiler::ast::{OperationType, Type};
use apollo_parser::{Lexer, TokenKind};

use super::{
    Argument, Directive, Document, Field, FragmentDefinition, FragmentSpread, InlineFragment, Literal, Many,
    ObjectField, OperationDefinition, Selection, SelectionSet, Value, VariableDefinition,
};
use crate::parse::ParseLimits;

/// The text is no executable document, or exceeds a limit.
#[derive(Debug)]
pub struct Unreadable {
    /// Where, in bytes of the text: at the token that can't stand there.
    pub at: usize,
}

type Read<T> = Result<T, Unreadable>;

/// Reads an executable document, within the limits on tokens and nesting.
pub fn parse<'a>(text: &'a str, limits: &ParseLimits) -> Result<Document<'a>, Unreadable> {
    // The lists refer to each other by 32 bits.
    if u32::try_from(text.len()).is_err() {
        return Err(Unreadable { at: 0 });
    }
    let next = Token { kind: TokenKind::Eof, text: "", at: 0 };
    let mut parser = Parser {
        text,
        lexer: Lexer::new(text),
        tokens: limits.max_tokens,
        levels: limits.max_recursion,
        next,
        read_to: 0,
        open: Open::default(),
        document: Document::default(),
    };
    parser.advance()?;
    while parser.next.kind != TokenKind::Eof {
        parser.definition()?;
    }
    match parser.document.operations.is_empty() && parser.document.fragments.is_empty() {
        true => Err(parser.unreadable()),
        false => Ok(parser.document),
    }
}

#[derive(Clone, Copy)]
struct Token<'a> {
    kind: TokenKind,
    text: &'a str,
    at: usize,
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// How many more tokens may come.
    tokens: usize,
    /// How many levels deeper it may get.
    levels: usize,
    next: Token<'a>,
    /// Where the token before the next one ends.
    read_to: usize,
    open: Open<'a>,
    document: Document<'a>,
}

/// Nodes whose list is not complete, innermost last.
#[derive(Default)]
struct Open<'a> {
    selections: Vec<Selection<'a>>,
    values: Vec<Value<'a>>,
    object_fields: Vec<ObjectField<'a>>,
}

/// Moves what was opened since `start` to the list of its kind.
fn close<T>(open: &mut Vec<T>, start: usize, list: &mut Vec<T>) -> Many<T> {
    let first = list.len() as u32;
    list.extend(open.drain(start..));
    Many { start: first, end: list.len() as u32, of: std::marker::PhantomData }
}

impl<'a> Parser<'a> {
    /// The next token that is not ignored becomes the next one.
    fn advance(&mut self) -> Read<()> {
        self.read_to = self.next.at + self.next.text.len();
        loop {
            self.tokens = self.tokens.checked_sub(1).ok_or(self.unreadable())?;
            let token = self.lexer.next().ok_or(self.unreadable())?;
            let token = token.map_err(|error| Unreadable { at: error.index() })?;
            match token.kind() {
                TokenKind::Whitespace | TokenKind::Comma | TokenKind::Comment => {}
                kind => {
                    self.next = Token { kind, text: token.data(), at: token.index() };
                    return Ok(());
                }
            }
        }
    }

    /// The next token can't stand here.
    fn unreadable(&self) -> Unreadable {
        Unreadable { at: self.next.at }
    }

    fn take(&mut self, kind: TokenKind) -> Read<&'a str> {
        if self.next.kind != kind {
            return Err(self.unreadable());
        }
        let text = self.next.text;
        self.advance()?;
        Ok(text)
    }

    /// Whether the next token is of this kind; then it is taken.
    fn takes(&mut self, kind: TokenKind) -> Read<bool> {
        let is = self.next.kind == kind;
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn name(&mut self) -> Read<&'a str> {
        self.take(TokenKind::Name)
    }

    /// Something one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.levels = self.levels.checked_sub(1).ok_or(self.unreadable())?;
        let result = read(self)?;
        self.levels += 1;
        Ok(result)
    }

    fn definition(&mut self) -> Read<()> {
        let is_described = self.takes(TokenKind::StringValue)?;
        if self.next.kind == TokenKind::LCurly && !is_described {
            return self.operation(OperationType::Query, true);
        }
        match self.name()? {
            "query" => self.operation(OperationType::Query, false),
            "mutation" => self.operation(OperationType::Mutation, false),
            "subscription" => self.operation(OperationType::Subscription, false),
            "fragment" => self.fragment(),
            _ => Err(self.unreadable()),
        }
    }

    fn operation(&mut self, kind: OperationType, is_short: bool) -> Read<()> {
        let name = (!is_short && self.next.kind == TokenKind::Name).then(|| self.name()).transpose()?;
        let mut variables = Vec::new();
        if self.takes(TokenKind::LParen)? {
            while !self.takes(TokenKind::RParen)? {
                variables.push(self.variable_definition()?);
            }
            if variables.is_empty() {
                return Err(self.unreadable());
            }
        }
        let directives = self.directives()?;
        let selection_set = self.selection_set()?;
        self.document.operations.push(OperationDefinition { kind, name, variables, directives, selection_set });
        Ok(())
    }

    fn variable_definition(&mut self) -> Read<VariableDefinition<'a>> {
        self.takes(TokenKind::StringValue)?;
        self.take(TokenKind::Dollar)?;
        let name = self.name()?;
        self.take(TokenKind::Colon)?;
        let ty = self.ty()?;
        let default = match self.takes(TokenKind::Eq)? {
            true => Some(self.literal()?),
            false => None,
        };
        Ok(VariableDefinition { name, ty, default, directives: self.directives()? })
    }

    fn ty(&mut self) -> Read<Type> {
        if self.takes(TokenKind::LBracket)? {
            let item = Box::new(self.deeper(Self::ty)?);
            self.take(TokenKind::RBracket)?;
            let is_non_null = self.takes(TokenKind::Bang)?;
            return Ok(if is_non_null { Type::NonNullList(item) } else { Type::List(item) });
        }
        let name = Name::new_unchecked(self.name()?);
        let is_non_null = self.takes(TokenKind::Bang)?;
        Ok(if is_non_null { Type::NonNullNamed(name) } else { Type::Named(name) })
    }

    fn fragment(&mut self) -> Read<()> {
        let name = self.name()?;
        if name == "on" {
            return Err(self.unreadable());
        }
        if self.name()? != "on" {
            return Err(self.unreadable());
        }
        let type_condition = self.name()?;
        let directives = self.directives()?;
        let selection_set = self.selection_set()?;
        self.document.add_fragment(FragmentDefinition { name, type_condition, directives, selection_set });
        Ok(())
    }

    fn selection_set(&mut self) -> Read<SelectionSet<'a>> {
        self.take(TokenKind::LCurly)?;
        let start = self.open.selections.len();
        self.deeper(|parser| {
            while !parser.takes(TokenKind::RCurly)? {
                let selection = parser.selection()?;
                parser.open.selections.push(selection);
            }
            Ok(())
        })?;
        Ok(close(&mut self.open.selections, start, &mut self.document.selections))
    }

    fn selection(&mut self) -> Read<Selection<'a>> {
        if !self.takes(TokenKind::Spread)? {
            return self.field().map(Selection::Field);
        }
        let mut type_condition = None;
        if self.next.kind == TokenKind::Name {
            let name = self.name()?;
            if name != "on" {
                let directives = self.directives()?;
                return Ok(Selection::FragmentSpread(FragmentSpread { name, directives }));
            }
            type_condition = Some(self.name()?);
        }
        let directives = self.directives()?;
        let selection_set = self.selection_set()?;
        Ok(Selection::InlineFragment(InlineFragment { type_condition, directives, selection_set }))
    }

    fn field(&mut self) -> Read<Field<'a>> {
        let first = self.name()?;
        let (alias, name) = match self.takes(TokenKind::Colon)? {
            true => (Some(first), self.name()?),
            false => (None, first),
        };
        let arguments = self.arguments()?;
        let directives = self.directives()?;
        let has_selections = self.next.kind == TokenKind::LCurly;
        let selection_set = has_selections.then(|| self.selection_set()).transpose()?;
        Ok(Field { alias, name, arguments, directives, selection_set })
    }

    /// Arguments don't nest, so they go to their list at once.
    fn arguments(&mut self) -> Read<Many<Argument<'a>>> {
        let start = self.document.arguments.len() as u32;
        if self.takes(TokenKind::LParen)? {
            while !self.takes(TokenKind::RParen)? {
                let name = self.name()?;
                self.take(TokenKind::Colon)?;
                let value = self.literal()?;
                self.document.arguments.push(Argument { name, value });
            }
            if self.document.arguments.len() == start as usize {
                return Err(self.unreadable());
            }
        }
        Ok(Many { start, end: self.document.arguments.len() as u32, of: std::marker::PhantomData })
    }

    /// Directives don't nest either.
    fn directives(&mut self) -> Read<Many<Directive<'a>>> {
        let start = self.document.directives.len() as u32;
        while self.takes(TokenKind::At)? {
            let name = self.name()?;
            let arguments = self.arguments()?;
            self.document.directives.push(Directive { name, arguments });
        }
        Ok(Many { start, end: self.document.directives.len() as u32, of: std::marker::PhantomData })
    }

    fn literal(&mut self) -> Read<Literal<'a>> {
        let start = self.next.at;
        let value = self.value()?;
        Ok(Literal { value, text: self.text.get(start..self.read_to).ok_or(Unreadable { at: start })? })
    }

    fn value(&mut self) -> Read<Value<'a>> {
        let Token { kind, text, at } = self.next;
        self.advance()?;
        Ok(match kind {
            TokenKind::Dollar => Value::Variable(self.name()?),
            TokenKind::Int => Value::Int(text),
            TokenKind::Float => Value::Float(text),
            TokenKind::StringValue => Value::String(text),
            TokenKind::Name => match text {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                "null" => Value::Null,
                name => Value::Enum(name),
            },
            TokenKind::LBracket => {
                let start = self.open.values.len();
                self.deeper(|parser| {
                    while !parser.takes(TokenKind::RBracket)? {
                        let item = parser.value()?;
                        parser.open.values.push(item);
                    }
                    Ok(())
                })?;
                Value::List(close(&mut self.open.values, start, &mut self.document.values))
            }
            TokenKind::LCurly => {
                let start = self.open.object_fields.len();
                self.deeper(|parser| {
                    while !parser.takes(TokenKind::RCurly)? {
                        let name = parser.name()?;
                        parser.take(TokenKind::Colon)?;
                        let value = parser.value()?;
                        parser.open.object_fields.push(ObjectField { name, value });
                    }
                    Ok(())
                })?;
                Value::Object(close(&mut self.open.object_fields, start, &mut self.document.object_fields))
            }
            _ => return Err(Unreadable { at }),
        })
    }
}
