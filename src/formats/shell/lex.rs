//! Shell text to words and operators.

use super::{Form, Part, Word};

/// A word, an operator, or the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Operator(&'static str),
    Newline,
}

/// Longest first.
const OPERATORS: &[&str] =
    &["<<-", "<<<", ";;", "&&", "||", "<<", ">>", "<&", ">&", "<>", ">|", ";", "&", "|", "(", ")", "<", ">"];

/// Nested expansions deeper than this are no configuration.
const DEPTH: usize = 16;

/// The tokens with their lines, and where a shell would stop with an error.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) tokens: Vec<(u32, Token)>,
    pub(super) broken: Option<(u32, String)>,
}

/// Reads all of them.
pub(super) fn tokens(text: &str) -> Tokens {
    let mut lexer = Lexer { rest: text, line: 1, documents: Vec::new(), nested: 0, broken: None };
    let mut tokens = Vec::new();
    // The operator before, where the next word is a here-document's end.
    let mut document = None;
    while lexer.broken.is_none() {
        let (line, Some(token)) = lexer.token() else { break };
        if let (Some(tabs), Token::Word(word)) = (document, &token) {
            let end = word.literal().unwrap_or_default();
            lexer.documents.push((end, tabs));
        }
        document = match token {
            Token::Operator("<<") => Some(false),
            Token::Operator("<<-") => Some(true),
            _ => None,
        };
        tokens.push((line, token));
    }
    // The statement that is not complete is not run.
    if let Some((line, _)) = lexer.broken {
        tokens.retain(|(at, _)| *at < line);
    }
    Tokens { tokens, broken: lexer.broken }
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
    /// Ends of the here-documents that begin with the next line, and whether tabs before it count.
    documents: Vec<(String, bool)>,
    /// Commands within commands that are being passed over.
    nested: usize,
    broken: Option<(u32, String)>,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            for _ in text.chars() {
                self.next();
            }
        }
        found
    }

    fn fail(&mut self, line: u32, why: &str) {
        self.broken.get_or_insert_with(|| (line, why.to_owned()));
        self.rest = "";
    }

    fn token(&mut self) -> (u32, Option<Token>) {
        loop {
            if self.eat("\\\n") || self.eat(" ") || self.eat("\t") {
                continue;
            }
            if self.peek() != Some('#') {
                break;
            }
            while self.peek().is_some_and(|c| c != '\n') {
                self.next();
            }
        }
        let line = self.line;
        if self.eat("\n") {
            for (end, tabs) in std::mem::take(&mut self.documents) {
                self.document(&end, tabs);
            }
            return (line, Some(Token::Newline));
        }
        if let Some(operator) = OPERATORS.iter().find(|operator| self.rest.starts_with(**operator)) {
            self.eat(operator);
            return (line, Some(Token::Operator(operator)));
        }
        let word = self.peek().map(|_| Token::Word(self.word(0, ends_word)));
        (line, word)
    }

    /// Passes over a here-document; one without its end goes on to the end of the text.
    fn document(&mut self, end: &str, tabs: bool) {
        while !self.rest.is_empty() {
            let (line, _) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            let said = if tabs { line.trim_start_matches('\t') } else { line };
            let last = said == end;
            while self.next().is_some_and(|c| c != '\n') {}
            if last {
                break;
            }
        }
    }

    fn word(&mut self, depth: usize, ends: fn(char) -> bool) -> Word {
        let mut word = Word { line: self.line, parts: Vec::new() };
        while let Some(c) = self.peek() {
            if ends(c) {
                break;
            }
            let line = self.line;
            self.next();
            match c {
                '\\' => match self.next() {
                    None => word.push('\\', true),
                    Some('\n') => {}
                    Some(c) => word.push(c, true),
                },
                '\'' => self.single(line, &mut word),
                '"' => self.double(line, depth, &mut word),
                '$' => self.dollar(depth, false, &mut word),
                '`' => self.backtick(line, &mut word),
                c => word.push(c, false),
            }
        }
        word
    }

    fn single(&mut self, line: u32, word: &mut Word) {
        word.quote();
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => word.push(c, true),
                None => return self.fail(line, "a quote that never ends"),
            }
        }
    }

    fn double(&mut self, line: u32, depth: usize, word: &mut Word) {
        word.quote();
        loop {
            let at = self.line;
            match self.next() {
                Some('"') => return,
                Some('\\') => match self.peek() {
                    Some('\n') => {
                        self.next();
                    }
                    Some(c @ ('$' | '`' | '"' | '\\')) => {
                        self.next();
                        word.push(c, true);
                    }
                    _ => word.push('\\', true),
                },
                Some('$') => self.dollar(depth, true, word),
                Some('`') => self.backtick(at, word),
                Some(c) => word.push(c, true),
                None => return self.fail(line, "a quote that never ends"),
            }
        }
    }

    fn backtick(&mut self, line: u32, word: &mut Word) {
        loop {
            match self.next() {
                Some('\\') => {
                    self.next();
                }
                Some('`') => break,
                Some(_) => {}
                None => return self.fail(line, "a command in backticks that never ends"),
            }
        }
        word.parts.push(Part::Unknown);
    }

    /// What a `$` begins.
    fn dollar(&mut self, depth: usize, quoted: bool, word: &mut Word) {
        let line = self.line;
        match self.peek() {
            Some('(') => {
                self.balanced(line, '(', ')');
                word.parts.push(Part::Unknown);
            }
            Some('{') => {
                self.next();
                let part = self.braced(line, depth);
                word.parts.push(part);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                word.parts.push(Part::Variable { name, form: Form::Plain });
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.next();
                word.parts.push(Part::Unknown);
            }
            _ => word.push('$', quoted),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.next();
            name.push(c);
        }
        name
    }

    /// What follows `${`.
    fn braced(&mut self, line: u32, depth: usize) -> Part {
        let name = self.name();
        if self.eat("}") {
            let named = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
            return if named { Part::Variable { name, form: Form::Plain } } else { Part::Unknown };
        }
        let colon = self.rest.starts_with(':');
        let operator = self.rest.chars().nth(usize::from(colon));
        let known = matches!(operator, Some('-' | '+' | '='));
        if name.is_empty() || !known || depth >= DEPTH {
            self.until_brace(line);
            return Part::Unknown;
        }
        for _ in 0..=usize::from(colon) {
            self.next();
        }
        let word = self.word(depth + 1, |c| c == '}');
        if !self.eat("}") {
            self.fail(line, "a ${ that never ends");
        }
        let form = match operator {
            Some('-') => Form::Or { colon, word },
            Some('+') => Form::And { colon, word },
            _ => Form::Set { colon, word },
        };
        Part::Variable { name, form }
    }

    /// Passes over the rest of an expansion that is not understood.
    fn until_brace(&mut self, line: u32) {
        let mut open = 1;
        while open > 0 {
            match self.next() {
                Some('\\') => {
                    self.next();
                }
                Some('\'') => self.single(line, &mut Word::default()),
                Some('{') => open += 1,
                Some('}') => open -= 1,
                Some(_) => {}
                None => return self.fail(line, "a ${ that never ends"),
            }
        }
    }

    /// Passes over what stands in parentheses, quotes in them heeded.
    fn balanced(&mut self, line: u32, opening: char, closing: char) {
        self.nested += 1;
        if self.nested > DEPTH {
            return self.fail(line, "commands within each other without end");
        }
        self.parenthesised(line, opening, closing);
        self.nested -= 1;
    }

    fn parenthesised(&mut self, line: u32, opening: char, closing: char) {
        let mut open = 0;
        loop {
            let at = self.line;
            match self.next() {
                Some('\\') => {
                    self.next();
                }
                Some('\'') => self.single(at, &mut Word::default()),
                Some('"') => self.double(at, DEPTH, &mut Word::default()),
                Some(c) if c == opening => open += 1,
                Some(c) if c == closing => {
                    open -= 1;
                    if open == 0 {
                        return;
                    }
                }
                Some(_) => {}
                None => return self.fail(line, "a $( that never ends"),
            }
        }
    }
}

/// Whether an unquoted character ends a word.
fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

impl Word {
    fn push(&mut self, c: char, quoted: bool) {
        match self.parts.last_mut() {
            Some(Part::Text { text, quoted: before }) if *before == quoted => text.push(c),
            _ => self.parts.push(Part::Text { text: c.to_string(), quoted }),
        }
    }

    /// A quote begins: even an empty one makes a word.
    fn quote(&mut self) {
        if !matches!(self.parts.last(), Some(Part::Text { quoted: true, .. })) {
            self.parts.push(Part::Text { text: String::new(), quoted: true });
        }
    }
}
