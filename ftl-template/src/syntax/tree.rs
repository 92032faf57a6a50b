//! The tree that the evaluator walks.

use std::sync::Arc;

use ftl_core::Value;

/// One parsed text.
#[derive(Debug, Default)]
pub(crate) struct Template {
    pub body: Vec<Statement>,
    /// All blocks, nested ones included.
    pub blocks: Vec<Arc<Block>>,
    /// Some call may change a list or dict in place (`append`, `update`, …), here or in a template it pulls in.
    pub mutates: bool,
    /// Filters and tests that are not FTL's own, by kind and name.
    pub foreign: Vec<(&'static str, std::sync::Arc<str>)>,
    /// Its tree may be deep.
    pub is_long: bool,
}

impl Drop for Template {
    fn drop(&mut self) {
        if self.is_long {
            let (body, blocks) = (std::mem::take(&mut self.body), std::mem::take(&mut self.blocks));
            crate::stack::roomy(|| drop((body, blocks)));
        }
    }
}

#[derive(Debug)]
pub(crate) enum Statement {
    Output(Vec<Expression>),
    /// The `if` and its `elif`s, then the `else`.
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    For(Arc<For>),
    Set(Target, Expression),
    /// `{% set x %}…{% endset %}`, perhaps filtered.
    SetBlock(Target, Option<Expression>, Vec<Statement>),
    With(Vec<(Target, Expression)>, Vec<Statement>),
    Macro(Arc<Macro>),
    CallBlock(Expression, Arc<Macro>),
    FilterBlock(Expression, Vec<Statement>),
    Block(Arc<Block>),
    Extends(Expression),
    Include {
        template: Expression,
        ignore_missing: bool,
        with_context: bool,
    },
    Import {
        template: Expression,
        target: Arc<str>,
        with_context: bool,
    },
    FromImport {
        template: Expression,
        names: Vec<(Arc<str>, Arc<str>)>,
        with_context: bool,
        line: u32,
    },
    Scope(Vec<Statement>),
    Do(Expression),
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct For {
    pub target: Target,
    pub iterable: Expression,
    pub condition: Option<Expression>,
    pub recursive: bool,
    pub body: Vec<Statement>,
    pub otherwise: Vec<Statement>,
    /// Whether anything inside mentions `loop`.
    pub uses_loop: bool,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub name: Arc<str>,
    pub parameters: Vec<Arc<str>>,
    /// For the last parameters.
    pub defaults: Vec<Expression>,
    pub body: Vec<Statement>,
    pub uses_varargs: bool,
    pub uses_kwargs: bool,
    pub uses_caller: bool,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub name: Arc<str>,
    pub body: Vec<Statement>,
    pub required: bool,
    /// Sees the names of the loops around it.
    pub scoped: bool,
}

/// What can stand left of `=`.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Name(Arc<str>),
    Tuple(Vec<Target>),
    /// `namespace.attribute`.
    Attribute(Arc<str>, Arc<str>),
}

#[derive(Debug)]
pub(crate) enum Expression {
    Constant(Value),
    Name(Arc<str>),
    /// The text of a `{% filter %}` or filtered `{% set %}` block.
    Captured,
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    Attribute(Box<Expression>, Arc<str>),
    Item(Box<Expression>, Box<Expression>),
    Slice(Box<Expression>, Box<[Option<Expression>; 3]>),
    Call(Box<Expression>, CallArguments),
    Filter(Box<Expression>, Arc<str>, CallArguments),
    Test(Box<Expression>, Arc<str>, CallArguments),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Positive(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Concat(Vec<Expression>),
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    /// Test, then, else.
    Conditional(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
}

#[derive(Debug, Default)]
pub(crate) struct CallArguments {
    pub positional: Vec<Expression>,
    pub named: Vec<(Arc<str>, Expression)>,
    pub spread: Option<Box<Expression>>,
    pub spread_named: Option<Box<Expression>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

impl Operator {
    /// As Python's `TypeError`s spell it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::FloorDivide => "//",
            Operator::Modulo => "%",
            Operator::Power => "** or pow()",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}

impl Comparison {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
            Comparison::In => "in",
            Comparison::NotIn => "not in",
        }
    }
}
