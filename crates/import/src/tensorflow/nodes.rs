//! The nodes of a graph and of the functions that it calls, as one list. A call is taken apart when somebody asks for its
//! result, so that what only saves or trains is never looked at.

use std::collections::{BTreeMap, HashMap};

use privet_model::Refusal;

use super::attr::Attrs;
use super::edges::{first_output, split};
use super::proto::{Attr, AttrValue, FunctionDef, GraphDef, NodeDef};

/// Deeper calls have no use; the bound keeps a file from asking for time that it does not have bytes for.
const MAX_DEPTH: usize = 64;
/// Nodes that even a small file may come to, and how often each of its own may be repeated.
const FREE_NODES: usize = 1 << 16;
const REPEATS: usize = 4;

/// A result of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub(super) node: usize,
    pub(super) output: usize,
}

/// One operation.
pub(super) struct Node<'a> {
    pub(super) def: &'a NodeDef,
    scope: usize,
    /// Of a call, once it was taken apart: what each of its results is.
    results: Option<Vec<Edge>>,
}

impl Node<'_> {
    pub(super) fn op(&self) -> &str {
        &self.def.op
    }

    pub(super) fn name(&self) -> &str {
        &self.def.name
    }

    pub(super) fn attrs(&self) -> Attrs<'_> {
        Attrs(&self.def.attr)
    }
}

/// The graph itself, or one call of a function.
struct Scope<'a> {
    function: Option<&'a FunctionDef>,
    /// The scope that calls it.
    caller: Option<usize>,
    names: HashMap<&'a str, usize>,
    arguments: HashMap<&'a str, Edge>,
}

/// All nodes so far.
pub(super) struct Nodes<'a> {
    pub(super) list: Vec<Node<'a>>,
    scopes: Vec<Scope<'a>>,
    functions: HashMap<&'a str, &'a FunctionDef>,
    most: usize,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(graph: &'a GraphDef) -> Result<Self, Refusal> {
        let library = graph.library.iter().flat_map(|library| &library.function);
        let named = |f: &'a FunctionDef| Some((f.signature.as_ref()?.name.as_str(), f));
        let functions: HashMap<_, _> = library.filter_map(named).collect();
        let own: usize = functions.values().map(|f| f.node_def.len()).sum::<usize>() + graph.node.len();
        let most = FREE_NODES + REPEATS * own;
        let mut nodes = Self { list: Vec::new(), scopes: Vec::new(), functions, most };
        nodes.open(
            &graph.node,
            Scope { function: None, caller: None, names: HashMap::new(), arguments: HashMap::new() },
        )?;
        Ok(nodes)
    }

    /// Lists the nodes of a body.
    fn open(&mut self, body: &'a [NodeDef], mut scope: Scope<'a>) -> Result<usize, Refusal> {
        if self.list.len() + body.len() > self.most {
            return Err(Refusal::new(
                "E208",
                "The model calls its functions more often than a file of this size should need; export it again.",
            ));
        }
        for def in body {
            if scope.names.insert(&def.name, self.list.len()).is_some() {
                return Err(broken(format!(
                    "The name `{}` stands for two nodes; export the model again.",
                    def.name
                )));
            }
            self.list.push(Node { def, scope: self.scopes.len(), results: None });
        }
        self.scopes.push(scope);
        Ok(self.scopes.len() - 1)
    }

    /// A node of the graph itself.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.scopes.first()?.names.get(name).copied()
    }

    /// A value of the graph itself, as `name` or `name:1`.
    pub(super) fn value(&mut self, text: &str) -> Result<Edge, Refusal> {
        let edge = self.edge(0, text, "The model's signature")?;
        self.resolved(edge)
    }

    /// The values that a node uses, calls taken apart.
    pub(super) fn inputs(&mut self, node: usize) -> Result<Vec<Edge>, Refusal> {
        let Node { def, scope, .. } = self.list[node];
        let texts = def.input.iter().filter(|text| !text.starts_with('^'));
        let user = format!("Node `{}`", def.name);
        texts.map(|text| self.edge(scope, text, &user).and_then(|edge| self.resolved(edge))).collect()
    }

    fn edge(&self, scope: usize, text: &str, user: &str) -> Result<Edge, Refusal> {
        let within = &self.scopes[scope];
        let (name, argument, output) = split(text);
        if let Some(edge) = within.arguments.get(name) {
            return Ok(*edge);
        }
        let unknown = || {
            broken(format!(
                "{user} uses `{text}`, which nothing in the file defines; export the model again."
            ))
        };
        let node = *within.names.get(name).ok_or_else(unknown)?;
        let before = match argument {
            Some(argument) => first_output(&self.list[node].def.op, argument),
            None => 0,
        };
        Ok(Edge { node, output: before + output })
    }

    /// What a value is, behind calls.
    fn resolved(&mut self, mut edge: Edge) -> Result<Edge, Refusal> {
        // Calls that pass on each other's results form a cycle.
        for _ in 0..=self.most {
            let Some(results) = self.results(edge.node)? else { return Ok(edge) };
            let missing = || {
                broken("A call uses a result that its function does not give; export the model again.".into())
            };
            edge = *results.get(edge.output).ok_or_else(missing)?;
        }
        Err(broken("The calls of functions form a cycle; export the model again.".into()))
    }

    /// The results of a call; `None` for all other nodes.
    fn results(&mut self, node: usize) -> Result<Option<&Vec<Edge>>, Refusal> {
        if self.list[node].results.is_none() {
            let Some(function) = self.called(node)? else { return Ok(None) };
            self.call(node, function)?;
        }
        Ok(self.list[node].results.as_ref())
    }

    /// The function that a node calls.
    fn called(&self, node: usize) -> Result<Option<&'a FunctionDef>, Refusal> {
        let def = self.list[node].def;
        let name = match def.op.as_str() {
            "StatefulPartitionedCall" | "PartitionedCall" => match function_name(&def.attr) {
                Some(name) => name,
                None => return Err(broken(format!("The call `{}` names no function.", def.name))),
            },
            // Older graphs have a function's own name as the operator.
            op => op,
        };
        match self.functions.get(name) {
            Some(function) => Ok(Some(function)),
            None if name == def.op => Ok(None),
            None => Err(broken(format!(
                "The call `{}` uses the function `{name}`, which the file does not have; export the model again.",
                def.name
            ))),
        }
    }

    fn call(&mut self, node: usize, function: &'a FunctionDef) -> Result<usize, Refusal> {
        let Node { def, scope: caller, .. } = self.list[node];
        self.refuse_recursion(caller, function, &def.name)?;
        let signature = function.signature.iter().flat_map(|s| &s.input_arg).map(|arg| arg.name.as_str());
        let texts = def.input.iter().filter(|text| !text.starts_with('^'));
        let user = format!("Node `{}`", def.name);
        let given: Vec<Edge> = texts.map(|text| self.edge(caller, text, &user)).collect::<Result<_, _>>()?;
        let scope = Scope {
            function: Some(function),
            caller: Some(caller),
            names: HashMap::new(),
            arguments: signature.zip(given).collect(),
        };
        let scope = self.open(&function.node_def, scope)?;
        let outputs = function.signature.iter().flat_map(|s| &s.output_arg);
        let user = format!("The function of `{}`", def.name);
        let result = |arg: &super::proto::ArgDef| {
            self.edge(scope, function.ret.get(&arg.name).map_or("", String::as_str), &user)
        };
        self.list[node].results = Some(outputs.map(result).collect::<Result<_, _>>()?);
        Ok(scope)
    }

    fn refuse_recursion(&self, caller: usize, function: &FunctionDef, node: &str) -> Result<(), Refusal> {
        let mut within = Some(caller);
        for _ in 0..MAX_DEPTH {
            let Some(scope) = within else { return Ok(()) };
            if self.scopes[scope].function.is_some_and(|f| std::ptr::eq(f, function)) {
                break;
            }
            within = self.scopes[scope].caller;
        }
        Err(broken(format!(
            "The call `{node}` comes back to a function that is running, or lies too deep; recursion cannot be used."
        )))
    }

    /// Takes a call apart with all calls inside it, and returns all nodes that it has.
    pub(super) fn everything_in(&mut self, node: usize) -> Result<Vec<usize>, Refusal> {
        let from = self.list.len();
        self.results(node)?;
        let mut at = from;
        while at < self.list.len() {
            self.results(at)?;
            at += 1;
        }
        Ok((from..self.list.len()).collect())
    }
}

fn function_name(attrs: &BTreeMap<String, AttrValue>) -> Option<&str> {
    match attrs.get("f")?.value.as_ref()? {
        Attr::Function(function) => Some(&function.name),
        _ => None,
    }
}

pub(super) fn broken(message: String) -> Refusal {
    Refusal::new("E204", message)
}
