//! Words and operators to statements.

use super::command::{guarded, simple, tested};
use super::lex::{Token, tokens};
use super::{Script, Statement, Word};

/// Compound commands nested deeper than this are no configuration.
const DEPTH: usize = 32;

/// The statements of a text that may change a variable.
pub fn parse(text: &str) -> Script {
    let read = tokens(text);
    let mut parser = Parser { tokens: read.tokens, at: 0, depth: 0, broken: None };
    let mut statements = parser.list(&[]);
    while parser.broken.is_none() && parser.at < parser.tokens.len() {
        parser.fail("what closes nothing that was opened");
        statements.extend(parser.list(&[]));
    }
    let broken = match (parser.broken, read.broken) {
        // A construct that is open only because the text stops at the other error.
        (Some((line, why)), Some(other)) => {
            Some(if line < other.0 && why != OPEN { (line, why) } else { other })
        }
        (one, other) => one.or(other),
    };
    Script { statements, broken }
}

const OPEN: &str = "a compound command that never ends";

struct Parser {
    tokens: Vec<(u32, Token)>,
    at: usize,
    depth: usize,
    broken: Option<(u32, String)>,
}

/// What a command came to.
#[derive(Default)]
struct Command {
    statements: Vec<Statement>,
    /// The file whose presence it tests: `[ -f x ]`.
    tests: Option<Word>,
}

impl Parser {
    fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(line, _)| *line)
    }

    fn fail(&mut self, why: &str) {
        let line = self.line();
        self.broken.get_or_insert_with(|| (line, why.to_owned()));
        self.at = self.tokens.len();
    }

    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self.token(), Some(Token::Operator(found)) if *found == operator)
    }

    fn eat(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        self.at += usize::from(found);
        found
    }

    /// The reserved word, or name, that comes next.
    fn bare(&self) -> Option<&str> {
        match self.token() {
            Some(Token::Word(word)) => word.bare(),
            _ => None,
        }
    }

    fn eat_word(&mut self, reserved: &str) -> bool {
        let found = self.bare() == Some(reserved);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, reserved: &str) {
        if !self.eat_word(reserved) {
            self.fail(OPEN);
        }
    }

    fn newlines(&mut self) {
        while matches!(self.token(), Some(Token::Newline)) {
            self.at += 1;
        }
    }

    /// Commands up to one of the reserved words, a `)` or a `;;`.
    fn list(&mut self, ends: &[&str]) -> Vec<Statement> {
        let mut statements = Vec::new();
        self.depth += 1;
        if self.depth > DEPTH {
            self.fail("compound commands within each other without end");
        }
        loop {
            self.newlines();
            if self.eat(";") || self.eat("&") {
                continue;
            }
            let closes = self.is(")") || self.is(";;");
            if closes || self.token().is_none() || self.bare().is_some_and(|word| ends.contains(&word)) {
                break;
            }
            let before = self.at;
            statements.extend(self.and_or());
            if self.at == before {
                self.fail("what no command begins with");
            }
        }
        self.depth -= 1;
        statements
    }

    /// Pipelines joined by `&&` and `||`: the first is run, the others may be.
    fn and_or(&mut self) -> Vec<Statement> {
        let first = self.pipeline();
        let (mut statements, mut tests) = (first.statements, first.tests);
        while self.is("&&") || self.is("||") {
            let and = self.is("&&");
            self.at += 1;
            self.newlines();
            let line = self.line();
            let next = self.pipeline();
            let body = guarded(tests.take().filter(|_| and), next.statements, line);
            statements.extend(body);
        }
        // In the background it is a shell of its own.
        if self.is("&") { Vec::new() } else { statements }
    }

    fn pipeline(&mut self) -> Command {
        while self.eat_word("!") {}
        let first = self.command();
        if !self.is("|") {
            return first;
        }
        // Every part of a pipeline is a shell of its own.
        while self.eat("|") {
            self.newlines();
            self.command();
        }
        Command::default()
    }

    fn command(&mut self) -> Command {
        let line = self.line();
        let name = self.bare().unwrap_or_default().to_owned();
        let statements = match name.as_str() {
            _ if self.eat("(") => {
                self.list(&[]);
                if !self.eat(")") {
                    self.fail(OPEN);
                }
                Vec::new()
            }
            "{" => {
                self.at += 1;
                let body = self.list(&["}"]);
                self.expect("}");
                body
            }
            "if" => self.if_clause(),
            "case" => self.case_clause(),
            "for" => self.for_clause(),
            "while" | "until" => {
                self.at += 1;
                let mut body = self.list(&["do"]);
                self.expect("do");
                body.extend(self.list(&["done"]));
                self.expect("done");
                vec![Statement::Maybe { line, body }]
            }
            "function" => {
                self.at += 1;
                let name = self.bare().unwrap_or_default().to_owned();
                self.at += 1;
                let _ = self.eat("(") && self.eat(")");
                self.function(name)
            }
            "then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}" => {
                self.fail("a reserved word that closes nothing");
                Vec::new()
            }
            _ => return self.simple(),
        };
        self.redirections();
        Command { statements, tests: None }
    }

    fn function(&mut self, name: String) -> Vec<Statement> {
        self.newlines();
        self.depth += 1;
        if self.depth > DEPTH {
            self.fail("functions within each other without end");
        }
        let body = self.command().statements;
        self.depth -= 1;
        vec![Statement::Function { name, body }]
    }

    fn if_clause(&mut self) -> Vec<Statement> {
        self.at += 1;
        let from = self.at;
        let mut statements = self.list(&["then"]);
        let tests = self.only_test(from);
        self.expect("then");
        let line = self.line();
        let body = self.list(&["elif", "else", "fi"]);
        statements.extend(guarded(tests, body, line));
        while self.eat_word("elif") {
            let line = self.line();
            let mut body = self.list(&["then"]);
            self.expect("then");
            body.extend(self.list(&["elif", "else", "fi"]));
            statements.push(Statement::Maybe { line, body });
        }
        if self.eat_word("else") {
            let line = self.line();
            let body = self.list(&["fi"]);
            statements.push(Statement::Maybe { line, body });
        }
        self.expect("fi");
        statements
    }

    /// The file whose presence the tokens from here on test, where they say nothing else.
    fn only_test(&self, from: usize) -> Option<Word> {
        let said = self
            .tokens
            .get(from..self.at)?
            .iter()
            .filter(|(_, token)| !matches!(token, Token::Newline | Token::Operator(";")));
        let words: Option<Vec<&Word>> = said
            .map(|(_, token)| match token {
                Token::Word(word) => Some(word),
                _ => None,
            })
            .collect();
        tested(&words?)
    }

    fn case_clause(&mut self) -> Vec<Statement> {
        let line = self.line();
        self.at += 2;
        self.newlines();
        self.expect("in");
        let mut body = Vec::new();
        loop {
            self.newlines();
            if self.token().is_none() || self.eat_word("esac") {
                break;
            }
            self.eat("(");
            while matches!(self.token(), Some(Token::Word(_))) || self.is("|") {
                self.at += 1;
            }
            if !self.eat(")") {
                self.fail(OPEN);
            }
            body.extend(self.list(&["esac"]));
            if !self.eat(";;") {
                self.newlines();
                self.expect("esac");
                break;
            }
        }
        vec![Statement::Maybe { line, body }]
    }

    fn for_clause(&mut self) -> Vec<Statement> {
        let line = self.line();
        self.at += 1;
        let variable = self.bare().unwrap_or_default().to_owned();
        self.at += 1;
        self.newlines();
        let mut words = Vec::new();
        if self.eat_word("in") {
            while let Some(Token::Word(word)) = self.token() {
                words.push(word.clone());
                self.at += 1;
            }
        }
        self.eat(";");
        self.newlines();
        self.expect("do");
        let body = self.list(&["done"]);
        self.expect("done");
        vec![Statement::For { line, variable, words, body }]
    }

    /// Passes over redirections; the words of what stands between are given.
    fn redirections(&mut self) -> Option<Word> {
        loop {
            let redirects =
                matches!(self.token(), Some(Token::Operator(operator)) if operator.contains(['<', '>']));
            if redirects {
                self.at += 2;
                continue;
            }
            let Some(Token::Word(word)) = self.token() else { return None };
            let word = word.clone();
            self.at += 1;
            return Some(word);
        }
    }

    fn simple(&mut self) -> Command {
        let line = self.line();
        let mut words = Vec::new();
        while let Some(word) = self.redirections() {
            words.push(word);
            if words.len() == 1 && self.is("(") {
                self.at += 1;
                if !self.eat(")") {
                    self.fail("a parenthesis where none may stand");
                    return Command::default();
                }
                let name = words.first().and_then(Word::bare).unwrap_or_default().to_owned();
                return Command { statements: self.function(name), tests: None };
            }
        }
        if self.is("(") {
            self.fail("a parenthesis where none may stand");
        }
        let tests = tested(&words.iter().collect::<Vec<_>>());
        Command { statements: simple(&words, line), tests }
    }
}
