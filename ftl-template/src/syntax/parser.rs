//! Statements: tags and the text between them.

use std::sync::Arc;

use ftl_core::Value;

use super::token::{Syntax, SyntaxError, Token};
use super::{Block, Expression, For, Macro, Statement, Target, Template, lexer};

/// Nesting beyond this is an error, not a stack overflow.
const MAX_DEPTH: usize = 150;
const MAX_CHAIN: usize = 500;

pub(super) type Parsed<T> = Result<T, SyntaxError>;

pub(super) struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    depth: usize,
    with_do: bool,
    with_loop_controls: bool,
    /// The statements being parsed, outermost first.
    open_tags: Vec<Arc<str>>,
    /// The tags that would end each open body.
    wanted_tags: Vec<&'static [&'static str]>,
    blocks: Vec<Arc<Block>>,
    /// Names mentioned, for each open loop or macro: what the body uses.
    pub(super) mentioned: Vec<Vec<Arc<str>>>,
}

pub(super) fn template(source: &str, syntax: &Syntax) -> Parsed<Template> {
    let mut parser = Parser::new(source, syntax, false);
    let body = parser.body(None)?;
    Ok(Template { body, blocks: parser.blocks, mutates: false, foreign: Vec::new(), is_long: false })
}

/// A bare expression, as the only output of a template.
pub(super) fn expression(source: &str, syntax: &Syntax) -> Parsed<Template> {
    let mut parser = Parser::new(source, syntax, true);
    let expression = parser.expression()?;
    if *parser.current() != Token::End {
        return parser.fail("chunk after expression");
    }
    let mut template = Template::default();
    template.body.push(Statement::Output(vec![expression]));
    Ok(template)
}

impl Parser {
    fn new(source: &str, syntax: &Syntax, as_expression: bool) -> Parser {
        Parser {
            tokens: lexer::tokenize(source, syntax, as_expression),
            at: 0,
            depth: 0,
            with_do: syntax.with_do,
            with_loop_controls: syntax.with_loop_controls,
            open_tags: Vec::new(),
            wanted_tags: Vec::new(),
            blocks: Vec::new(),
            mentioned: Vec::new(),
        }
    }

    pub(super) fn current(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |t| &t.0)
    }

    pub(super) fn look(&self) -> &Token {
        self.tokens.get(self.at + 1).map_or(&Token::End, |t| &t.0)
    }

    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.1)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.current().clone();
        if self.at < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        if let Token::Invalid(message) = self.current() {
            return Err(SyntaxError::new(message.as_str(), self.line()));
        }
        Err(SyntaxError::new(message, self.line()))
    }

    pub(super) fn skip_symbol(&mut self, symbol: &str) -> bool {
        let found = self.current().is_symbol(symbol);
        self.at += found as usize;
        found
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.current().is_name(name);
        self.at += found as usize;
        found
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        match self.current() {
            Token::End => self.fail(format!("unexpected end of template, expected '{what}'.")),
            token => self.fail(format!("expected token '{what}', got {}", quoted(&token.describe()))),
        }
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.skip_symbol(symbol) { Ok(()) } else { self.expected(symbol) }
    }

    fn expect_keyword(&mut self, name: &str) -> Parsed<()> {
        if self.skip_name(name) { Ok(()) } else { self.expected(name) }
    }

    pub(super) fn expect_name(&mut self) -> Parsed<Arc<str>> {
        match self.current() {
            Token::Name(name) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.expected("name"),
        }
    }

    fn expect_end(&mut self, end: Token) -> Parsed<()> {
        if *self.current() == end {
            self.at += 1;
            return Ok(());
        }
        self.expected(&end.describe())
    }

    /// Counts one more link of a chain such as `a + b + c`, which nests as deeply as it is long.
    pub(super) fn link(&self, links: &mut usize) -> Parsed<()> {
        *links += 1;
        if *links > MAX_CHAIN { self.fail("too many operators in one expression") } else { Ok(()) }
    }

    /// Runs `parse` one level deeper.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail("too many nested expressions or statements");
        }
        self.depth += 1;
        let parsed = crate::stack::grow(|| parse(self));
        self.depth -= 1;
        parsed
    }

    /// Text and tags up to one of `until` (which is not consumed), or to the end.
    fn body(&mut self, until: Option<&'static [&'static str]>) -> Parsed<Vec<Statement>> {
        let mut body = Vec::new();
        let mut output: Vec<Expression> = Vec::new();
        self.wanted_tags.extend(until);
        loop {
            match self.current().clone() {
                Token::Data(text) => {
                    self.at += 1;
                    output.push(Expression::Constant(Value::str(text)));
                }
                Token::VariableBegin => {
                    self.at += 1;
                    output.push(self.tuple(true, &[], None)?);
                    self.expect_end(Token::VariableEnd)?;
                }
                Token::BlockBegin => {
                    self.at += 1;
                    if !output.is_empty() {
                        body.push(Statement::Output(std::mem::take(&mut output)));
                    }
                    if until.is_some_and(|until| until.iter().any(|tag| self.current().is_name(tag))) {
                        self.wanted_tags.pop();
                        return Ok(body);
                    }
                    let statement = self.deeper(Parser::statement)?;
                    body.push(statement);
                    self.expect_end(Token::BlockEnd)?;
                }
                Token::End => break,
                token => return self.fail(format!("unexpected {}", quoted(&token.describe()))),
            }
        }
        if !output.is_empty() {
            body.push(Statement::Output(output));
        }
        match until {
            Some(_) => self.unknown_tag(None),
            None => Ok(body),
        }
    }

    /// The body of a statement, from the end of its tag; the closing tag's name is current afterwards.
    fn statements(&mut self, until: &'static [&'static str]) -> Parsed<Vec<Statement>> {
        self.skip_symbol(":");
        self.expect_end(Token::BlockEnd)?;
        self.body(Some(until))
    }

    /// As [`statements`](Parser::statements), with the one closing tag consumed.
    fn statements_to(&mut self, until: &'static [&'static str]) -> Parsed<Vec<Statement>> {
        let body = self.statements(until)?;
        self.at += 1;
        Ok(body)
    }

    /// Runs `parse` and gives the names that it mentioned; outer listeners hear them too.
    fn listening<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<(T, Vec<Arc<str>>)> {
        self.mentioned.push(Vec::new());
        let parsed = parse(self);
        let names = self.mentioned.pop().unwrap_or_default();
        if let Some(outer) = self.mentioned.last_mut() {
            outer.extend(names.iter().cloned());
        }
        Ok((parsed?, names))
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let Token::Name(tag) = self.current().clone() else {
            return self.fail("tag name expected");
        };
        self.open_tags.push(tag.clone());
        let parse: fn(&mut Parser) -> Parsed<Statement> = match &*tag {
            "for" => Parser::for_loop,
            "if" => Parser::if_else,
            "block" => Parser::block,
            "extends" => |p| Ok(Statement::Extends(p.expression()?)),
            "print" => Parser::print,
            "macro" => Parser::macro_definition,
            "include" => Parser::include,
            "from" => Parser::from_import,
            "import" => Parser::import,
            "set" => Parser::set,
            "with" => Parser::with,
            "autoescape" => Parser::autoescape,
            "call" => Parser::call_block,
            "filter" => Parser::filter_block,
            "do" if self.with_do => |p| Ok(Statement::Do(p.tuple(true, &[], None)?)),
            "break" if self.with_loop_controls => |_| Ok(Statement::Break),
            "continue" if self.with_loop_controls => |_| Ok(Statement::Continue),
            _ => {
                self.open_tags.pop();
                return self.unknown_tag(Some(&tag));
            }
        };
        self.at += 1;
        let statement = parse(self)?;
        self.open_tags.pop();
        Ok(statement)
    }

    fn unknown_tag<T>(&self, tag: Option<&str>) -> Parsed<T> {
        let mut message = match tag {
            None => "Unexpected end of template.".to_string(),
            Some(tag) => format!("Encountered unknown tag '{tag}'."),
        };
        if let Some(wanted) = self.wanted_tags.last() {
            let list = wanted.iter().map(|tag| format!("'{tag}'")).collect::<Vec<_>>().join(" or ");
            let is_outer = tag.is_some_and(|tag| self.wanted_tags.iter().any(|wanted| wanted.contains(&tag)));
            message += &if is_outer {
                format!(
                    " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {list}."
                )
            } else {
                format!(" Jinja was looking for the following tags: {list}.")
            };
        }
        if let Some(open) = self.open_tags.last() {
            message += &format!(" The innermost block that needs to be closed is '{open}'.");
        }
        self.fail(message)
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        let target = self.target(&["in"], false)?;
        self.expect_keyword("in")?;
        let iterable = self.tuple(false, &["recursive"], None)?;
        let ((condition, recursive, body), names) = self.listening(|p| {
            let condition = if p.skip_name("if") { Some(p.expression()?) } else { None };
            let recursive = p.skip_name("recursive");
            Ok((condition, recursive, p.statements(&["endfor", "else"])?))
        })?;
        let has_else = self.current().is_name("else");
        self.at += 1;
        let otherwise = if has_else { self.statements_to(&["endfor"])? } else { Vec::new() };
        let uses_loop = recursive || names.iter().any(|name| &**name == "loop");
        Ok(Statement::For(Arc::new(For { target, iterable, condition, recursive, body, otherwise, uses_loop })))
    }

    fn if_else(&mut self) -> Parsed<Statement> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple(false, &[], None)?;
            branches.push((test, self.statements(&["elif", "else", "endif"])?));
            let Token::Name(tag) = self.next() else { return self.expected("endif") };
            match &*tag {
                "elif" => continue,
                "else" => return Ok(Statement::If(branches, self.statements_to(&["endif"])?)),
                _ => return Ok(Statement::If(branches, Vec::new())),
            }
        }
    }

    fn set(&mut self) -> Parsed<Statement> {
        let target = self.target(&[], true)?;
        if self.skip_symbol("=") {
            return Ok(Statement::Set(target, self.tuple(true, &[], None)?));
        }
        let filter =
            if self.current().is_symbol("|") { Some(self.filters(Expression::Captured, false)?) } else { None };
        Ok(Statement::SetBlock(target, filter, self.statements_to(&["endset"])?))
    }

    fn with(&mut self) -> Parsed<Statement> {
        let mut assignments = Vec::new();
        while *self.current() != Token::BlockEnd {
            if !assignments.is_empty() {
                self.expect_symbol(",")?;
            }
            let target = self.target(&[], false)?;
            self.expect_symbol("=")?;
            assignments.push((target, self.expression()?));
        }
        Ok(Statement::With(assignments, self.statements_to(&["endwith"])?))
    }

    fn autoescape(&mut self) -> Parsed<Statement> {
        self.expression()?;
        Ok(Statement::Scope(self.statements_to(&["endautoescape"])?))
    }

    fn block(&mut self) -> Parsed<Statement> {
        let name = self.expect_name()?;
        let scoped = self.skip_name("scoped");
        let required = self.skip_name("required");
        if self.current().is_symbol("-") {
            return self.fail(
                "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an \
                 underscore instead.",
            );
        }
        let body = self.statements_to(&["endblock"])?;
        if required && !body.iter().all(is_blank) {
            return self.fail("Required blocks can only contain comments or whitespace");
        }
        self.skip_name(&name);
        if self.blocks.iter().any(|block| block.name == name) {
            return self.fail(format!("block '{name}' defined twice"));
        }
        let block = Arc::new(Block { name, body, required, scoped });
        self.blocks.push(block.clone());
        Ok(Statement::Block(block))
    }

    fn print(&mut self) -> Parsed<Statement> {
        let mut output = Vec::new();
        while *self.current() != Token::BlockEnd {
            if !output.is_empty() {
                self.expect_symbol(",")?;
            }
            output.push(self.expression()?);
        }
        Ok(Statement::Output(output))
    }

    fn context(&mut self, default: bool) -> bool {
        if (self.current().is_name("with") || self.current().is_name("without")) && self.look().is_name("context") {
            let with = self.current().is_name("with");
            self.at += 2;
            return with;
        }
        default
    }

    fn include(&mut self) -> Parsed<Statement> {
        let template = self.expression()?;
        let ignore_missing = self.current().is_name("ignore") && self.look().is_name("missing");
        self.at += 2 * ignore_missing as usize;
        Ok(Statement::Include { template, ignore_missing, with_context: self.context(true) })
    }

    fn import(&mut self) -> Parsed<Statement> {
        let template = self.expression()?;
        self.expect_keyword("as")?;
        let target = self.assigned_name()?;
        Ok(Statement::Import { template, target, with_context: self.context(false) })
    }

    fn from_import(&mut self) -> Parsed<Statement> {
        let line = self.line();
        let template = self.expression()?;
        self.expect_keyword("import")?;
        let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut with_context = false;
        let is_context =
            |p: &Parser| (p.current().is_name("with") || p.current().is_name("without")) && p.look().is_name("context");
        loop {
            if !names.is_empty() {
                self.expect_symbol(",")?;
            }
            if is_context(self) {
                with_context = self.context(false);
                break;
            }
            let name = self.assigned_name()?;
            if name.starts_with('_') {
                return self.fail("names starting with an underline can not be imported");
            }
            let alias = if self.skip_name("as") { self.assigned_name()? } else { name.clone() };
            names.push((name, alias));
            if is_context(self) {
                with_context = self.context(false);
                break;
            }
            if !self.current().is_symbol(",") {
                break;
            }
        }
        Ok(Statement::FromImport { template, names, with_context, line })
    }

    fn signature(&mut self) -> Parsed<(Vec<Arc<str>>, Vec<Expression>)> {
        let mut parameters = Vec::new();
        let mut defaults = Vec::new();
        self.expect_symbol("(")?;
        while !self.current().is_symbol(")") {
            if !parameters.is_empty() {
                self.expect_symbol(",")?;
            }
            parameters.push(self.assigned_name()?);
            if self.skip_symbol("=") {
                defaults.push(self.expression()?);
            } else if !defaults.is_empty() {
                return self.fail("non-default argument follows default argument");
            }
        }
        self.expect_symbol(")")?;
        Ok((parameters, defaults))
    }

    fn macro_body(
        &mut self,
        name: Arc<str>,
        signature: bool,
        end: &'static [&'static str],
    ) -> Parsed<(Macro, Option<Expression>)> {
        let is_call = &*name == "caller";
        let ((parameters, defaults, call, body), names) = self.listening(|p| {
            let (parameters, defaults) = if signature { p.signature()? } else { Default::default() };
            let call = if is_call { Some(p.expression()?) } else { None };
            Ok((parameters, defaults, call, p.statements_to(end)?))
        })?;
        let uses = |name: &str| names.iter().any(|n| &**n == name) && !parameters.iter().any(|p| &**p == name);
        let (uses_varargs, uses_kwargs, uses_caller) = (uses("varargs"), uses("kwargs"), uses("caller"));
        Ok((Macro { name, parameters, defaults, body, uses_varargs, uses_kwargs, uses_caller }, call))
    }

    fn macro_definition(&mut self) -> Parsed<Statement> {
        let name = self.assigned_name()?;
        Ok(Statement::Macro(Arc::new(self.macro_body(name, true, &["endmacro"])?.0)))
    }

    fn call_block(&mut self) -> Parsed<Statement> {
        let signature = self.current().is_symbol("(");
        match self.macro_body(Arc::from("caller"), signature, &["endcall"])? {
            (caller, Some(call @ Expression::Call(..))) => Ok(Statement::CallBlock(call, Arc::new(caller))),
            _ => self.fail("expected call"),
        }
    }

    fn filter_block(&mut self) -> Parsed<Statement> {
        let filter = self.filters(Expression::Captured, true)?;
        Ok(Statement::FilterBlock(filter, self.statements_to(&["endfilter"])?))
    }

    fn assigned_name(&mut self) -> Parsed<Arc<str>> {
        let name = self.expect_name()?;
        if is_constant(&name) {
            return self.fail("can't assign to 'name'");
        }
        Ok(name)
    }

    /// What stands left of `=` or `in`.
    fn target(&mut self, end: &[&str], with_namespace: bool) -> Parsed<Target> {
        let expression = self.tuple(true, end, Some(with_namespace))?;
        self.as_target(expression, with_namespace)
    }

    fn as_target(&self, expression: Expression, with_namespace: bool) -> Parsed<Target> {
        match expression {
            Expression::Name(name) => Ok(Target::Name(name)),
            Expression::Tuple(items) => {
                let items = items.into_iter().map(|item| self.as_target(item, with_namespace));
                Ok(Target::Tuple(items.collect::<Parsed<_>>()?))
            }
            Expression::Attribute(object, name) if with_namespace => match *object {
                Expression::Name(object) => Ok(Target::Attribute(object, name)),
                _ => self.fail("can't assign to 'getattr'"),
            },
            Expression::Constant(_) => self.fail("can't assign to 'const'"),
            Expression::List(_) => self.fail("can't assign to 'list'"),
            Expression::Dict(_) => self.fail("can't assign to 'dict'"),
            _ => self.fail("can't assign to 'getattr'"),
        }
    }
}

fn is_blank(statement: &Statement) -> bool {
    match statement {
        Statement::Output(parts) => parts.iter().all(
            |part| matches!(part, Expression::Constant(Value::Str(s)) if s.as_str().chars().all(char::is_whitespace)),
        ),
        _ => false,
    }
}

pub(super) fn is_constant(name: &str) -> bool {
    matches!(name, "true" | "false" | "none" | "True" | "False" | "None")
}

pub(super) fn quoted(text: &str) -> String {
    ftl_core::value::repr_str(text)
}
