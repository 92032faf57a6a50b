//! Tokens to a tree, by the binding powers of the specification.

use ftl_core::Value;

use super::lexer::{Token, tokens};

#[derive(Clone, Debug)]
pub(super) enum Node {
    Identity,
    Field(String),
    Index(i64),
    Slice([Option<i64>; 3]),
    /// The right part on the result of the left one (`a.b`, `a[0]`, `a | b`).
    Chain(Box<Node>, Box<Node>),
    /// The right part on every item of a list.
    Project(Box<Node>, Box<Node>),
    /// The right part on every value of a dict.
    ProjectValues(Box<Node>, Box<Node>),
    /// The right part on the items that pass the test.
    ProjectFiltered {
        left: Box<Node>,
        right: Box<Node>,
        test: Box<Node>,
    },
    Flatten(Box<Node>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(&'static str, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Dict(Vec<(String, Node)>),
    Literal(Value),
    Call(String, Vec<Node>),
    /// `&expression`, an argument for functions.
    Reference(Box<Node>),
}

const MAX_DEPTH: usize = 200;
/// Weaker signs end a projection.
const PROJECTION_STOP: u8 = 10;

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let tokens = tokens(text)?;
    if tokens.len() == 1 {
        return Err("Invalid JMESPath expression: cannot be empty.".into());
    }
    let mut parser = Parser { text, tokens, at: 0, depth: 0 };
    let tree = parser.expression(0)?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected());
    }
    Ok(tree)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Node, String>;

fn boxed(node: Node) -> Box<Node> {
    Box::new(node)
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).map_or(&Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.at += found as usize;
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Sign(s) if *s == sign)
    }

    fn unexpected(&self) -> String {
        let (text, at) = (self.text, self.tokens.get(self.at).map_or(self.text.len(), |(_, at)| *at));
        if *self.peek() == Token::End {
            return format!("Invalid jmespath expression: Incomplete expression:\n\"{text}\"\n{}^", " ".repeat(at + 1));
        }
        let token = match self.peek() {
            Token::Name(name) | Token::QuotedName(name) => name.clone(),
            Token::Number(number) => number.to_string(),
            Token::Literal(value) => ftl_core::value::to_text(value),
            Token::Sign(sign) => sign.to_string(),
            Token::End => String::new(),
        };
        format!(
            "Invalid jmespath expression: Parse error at column {at}, token \"{token}\", for expression:\n\"{text}\"\n{}^",
            " ".repeat(at + 1)
        )
    }

    fn power(&self) -> u8 {
        match self.peek() {
            Token::Sign(sign) => match *sign {
                "|" => 1,
                "||" => 2,
                "&&" => 3,
                "==" | "!=" | "<" | "<=" | ">" | ">=" => 5,
                "[]" => 9,
                "*" => 20,
                "[?" => 21,
                "." => 40,
                "!" => 45,
                "{" => 50,
                "[" => 55,
                "(" => 60,
                _ => 0,
            },
            _ => 0,
        }
    }

    fn expression(&mut self, power: u8) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("Invalid jmespath expression: nested too deep".into());
        }
        let mut left = self.first()?;
        while power < self.power() {
            left = self.after(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// What an expression can begin with.
    fn first(&mut self) -> Parsed {
        let sign = match self.peek().clone() {
            Token::Literal(value) => {
                self.at += 1;
                return Ok(Node::Literal(value));
            }
            Token::Name(name) | Token::QuotedName(name) => {
                let quoted = matches!(self.peek(), Token::QuotedName(_));
                self.at += 1;
                if quoted && self.is_sign(0, "(") {
                    return Err("Quoted identifier not allowed for function names.".into());
                }
                return Ok(Node::Field(name));
            }
            Token::Sign(sign) => sign,
            Token::Number(_) | Token::End => return Err(self.unexpected()),
        };
        match sign {
            "*" => {
                self.at += 1;
                let right = if self.is_sign(0, "]") { Node::Identity } else { self.projected(20)? };
                Ok(Node::ProjectValues(boxed(Node::Identity), boxed(right)))
            }
            "[?" | "[]" => self.after(Node::Identity),
            "{" => {
                self.at += 1;
                self.dict()
            }
            "(" => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            "!" => {
                self.at += 1;
                Ok(Node::Not(boxed(self.expression(45)?)))
            }
            "@" => {
                self.at += 1;
                Ok(Node::Identity)
            }
            "&" => {
                self.at += 1;
                Ok(Node::Reference(boxed(self.expression(60)?)))
            }
            "[" => {
                let indexes = matches!(self.peek_at(1), Token::Number(_)) || self.is_sign(1, ":");
                if indexes || (self.is_sign(1, "*") && self.is_sign(2, "]")) {
                    return self.after(Node::Identity);
                }
                self.at += 1;
                self.list()
            }
            _ => Err(self.unexpected()),
        }
    }

    /// What can follow an expression.
    fn after(&mut self, left: Node) -> Parsed {
        let Token::Sign(sign) = self.next() else {
            self.at -= 1;
            return Err(self.unexpected());
        };
        match sign {
            "." if self.take("*") => {
                let right = self.projected(20)?;
                Ok(Node::ProjectValues(boxed(left), boxed(right)))
            }
            "." => Ok(Node::Chain(boxed(left), boxed(self.after_dot(40)?))),
            "|" => Ok(Node::Chain(boxed(left), boxed(self.expression(1)?))),
            "||" => Ok(Node::Or(boxed(left), boxed(self.expression(2)?))),
            "&&" => Ok(Node::And(boxed(left), boxed(self.expression(3)?))),
            "==" | "!=" | "<" | "<=" | ">" | ">=" => Ok(Node::Compare(sign, boxed(left), boxed(self.expression(5)?))),
            "[]" => {
                let right = self.projected(9)?;
                Ok(Node::Project(boxed(Node::Flatten(boxed(left))), boxed(right)))
            }
            "[?" => {
                let test = self.expression(0)?;
                self.expect("]")?;
                let right = if self.is_sign(0, "[]") { Node::Identity } else { self.projected(21)? };
                Ok(Node::ProjectFiltered { left: boxed(left), right: boxed(right), test: boxed(test) })
            }
            "[" => self.index(left),
            "(" => match left {
                Node::Field(name) => self.call(name),
                _ => {
                    self.at -= 1;
                    Err(self.unexpected())
                }
            },
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn projected(&mut self, power: u8) -> Parsed {
        if self.power() < PROJECTION_STOP {
            return Ok(Node::Identity);
        }
        if self.is_sign(0, "[") || self.is_sign(0, "[?") {
            return self.expression(power);
        }
        if self.take(".") {
            return self.after_dot(power);
        }
        Err(self.unexpected())
    }

    fn after_dot(&mut self, power: u8) -> Parsed {
        match self.peek() {
            Token::Name(_) | Token::QuotedName(_) | Token::Sign("*") => self.expression(power),
            Token::Sign("[") => {
                self.at += 1;
                self.list()
            }
            Token::Sign("{") => {
                self.at += 1;
                self.dict()
            }
            _ => Err(self.unexpected()),
        }
    }

    /// After `[`: an index, a slice or `*`.
    fn index(&mut self, left: Node) -> Parsed {
        if self.take("*") {
            self.expect("]")?;
            let right = self.projected(20)?;
            return Ok(Node::Project(boxed(left), boxed(right)));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        loop {
            match self.next() {
                Token::Number(number) if parts[part].is_none() => parts[part] = Some(number),
                Token::Sign(":") if part < 2 => part += 1,
                Token::Sign("]") => break,
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            }
        }
        if part == 0 {
            let Some(index) = parts[0] else { return Err(self.unexpected()) };
            return Ok(Node::Chain(boxed(left), boxed(Node::Index(index))));
        }
        let slice = Node::Chain(boxed(left), boxed(Node::Slice(parts)));
        let right = self.projected(20)?;
        Ok(Node::Project(boxed(slice), boxed(right)))
    }

    fn list(&mut self) -> Parsed {
        let mut items = vec![];
        loop {
            items.push(self.expression(0)?);
            if self.take("]") {
                return Ok(Node::List(items));
            }
            self.expect(",")?;
        }
    }

    fn dict(&mut self) -> Parsed {
        let mut entries = vec![];
        loop {
            let (Token::Name(key) | Token::QuotedName(key)) = self.peek().clone() else {
                return Err(self.unexpected());
            };
            self.at += 1;
            self.expect(":")?;
            entries.push((key, self.expression(0)?));
            if self.take("}") {
                return Ok(Node::Dict(entries));
            }
            self.expect(",")?;
        }
    }

    fn call(&mut self, name: String) -> Parsed {
        let mut arguments = vec![];
        while !self.take(")") {
            arguments.push(self.expression(0)?);
            if !self.is_sign(0, ")") {
                self.expect(",")?;
            }
        }
        Ok(Node::Call(name, arguments))
    }
}
