//! Reading commands in documents, for the tests of both programs.

use clap::Command;

/// A program and its commands, each under what a person types.
pub(crate) fn all(command: &Command) -> Vec<(String, Command)> {
    let mut built = command.clone().term_width(100);
    built.build();
    let mut found = Vec::new();
    collect(&built, String::new(), &mut found);
    found
}

fn collect(command: &Command, before: String, found: &mut Vec<(String, Command)>) {
    let path = before + command.get_name();
    found.push((path.clone(), command.clone()));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        collect(sub, format!("{path} "), found);
    }
}

/// The page of all commands: what each says with `--help`.
pub(crate) fn reference(title: &str, program: &Command) -> String {
    let page = |(path, mut command): (String, Command)| {
        let help = command.render_help().to_string();
        format!("\n## {path}\n\n```text\n{}\n```\n", help.trim_end())
    };
    let says = "What `COMMAND --help` says. A test compares this page with the program.";
    let pages: String = all(program).into_iter().map(page).collect();
    format!("# {title}\n\n{says}\n{pages}")
}

/// The blocks of a document: the words behind the fence, and the text.
pub(crate) fn blocks(text: &str) -> Vec<(Vec<&str>, &str)> {
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.map(|(info, block)| (info.split_whitespace().collect(), block)).collect()
}

/// The lines of the shell blocks of a document, without comments, those that go on in the next line joined.
pub(crate) fn shell_lines(text: &str) -> Vec<String> {
    let blocks = blocks(text).into_iter().filter(|(info, _)| info.first() == Some(&"sh"));
    let joined = blocks.map(|(_, block)| block.replace("\\\n", " ")).collect::<Vec<_>>();
    joined.iter().flat_map(|block| block.lines()).map(str::to_owned).collect()
}

/// The commands of a program in a line of shell, as words. `run` is how `cargo` runs it.
pub(crate) fn commands(line: &str, program: &str, run: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default().replace(run, program);
    let steps = line.split(['|', '&']).map(words);
    steps.filter(|words| words.first().is_some_and(|first| first == program)).map(redirected).collect()
}

/// Without where its output goes.
fn redirected(words: Vec<String>) -> Vec<String> {
    words.into_iter().take_while(|word| word != ">").collect()
}

/// Words as a shell splits them, with either kind of quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn lines_are_read_as_a_shell_reads_them() {
    let text = "a\n```sh\nprivet bundle m.onnx \\\n  --party \"privet1 a b\" # why\n```\n`privet x`\n```toml\nprivet = 1\n```\n";
    let lines = shell_lines(text);
    assert_eq!(lines, ["privet bundle m.onnx    --party \"privet1 a b\" # why"]);
    let read = |line: &str| commands(line, "privet", "cargo run --release --");
    assert_eq!(read(&lines[0]), [["privet", "bundle", "m.onnx", "--party", "privet1 a b"]]);
    assert_eq!(read("cat x | privet predict - > y"), [["privet", "predict", "-"]]);
    assert_eq!(read("cargo build && cargo run --release -- demo"), [["privet", "demo"]]);
}
