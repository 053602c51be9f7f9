//! `listen`.

use std::net::SocketAddr;

use super::{
    super::{Address, AskedBy, Console, Listen, Listener, Tls, Trust, document::check_members},
    values::{Values, choose},
};
use crate::{
    finding::Code,
    target::normalise_host,
    yaml::{Node, Reader, Value},
};

const DEFAULT_EXT_AUTHZ: SocketAddr = SocketAddr::new(ANY, 9001);
const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(ANY, 9090);
const ANY: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

const ASKED_BY: [(&str, AskedBy); 3] =
    [("any", AskedBy::Any), ("workloads", AskedBy::Workloads), ("gateways", AskedBy::Gateways)];

/// `None` where an address cannot be used.
pub fn read(values: &mut Values<'_>) -> Option<Listen> {
    let admin = match values.node("listen.admin") {
        Some(node) => {
            tcp_address(node, "listen.admin", "kubelets and Prometheus ask there", values)
        }
        None => Some(DEFAULT_ADMIN),
    };
    let (console, ext_authz, tls) = (console(values), listeners(values), tls(values));
    Some(Listen { ext_authz: ext_authz?, admin: admin?, console, tls })
}

fn listeners(values: &mut Values<'_>) -> Option<Vec<Listener>> {
    const PATH: &str = "listen.ext_authz";
    let elements = values.elements(PATH);
    if values.node(PATH).is_none() {
        let address = Address::Tcp(DEFAULT_EXT_AUTHZ);
        return Some(vec![Listener { address, trust: Trust::default() }]);
    }
    if elements.is_empty() {
        values.invalid(PATH, "must have one address at least");
    }
    let mut listeners: Vec<Listener> = Vec::new();
    let mut all_usable = !elements.is_empty();
    for node in elements {
        match listener(node, values) {
            Some(listener) if listeners.iter().any(|other| clash(other, &listener)) => {
                let message = format!("{PATH} has the address {} twice.", listener.address);
                values.reader.error(&node.place, Code::InvalidValue, message);
            }
            Some(listener) => listeners.push(listener),
            None => all_usable = false,
        }
    }
    all_usable.then_some(listeners)
}

/// Port 0 is whichever is free, and may stand twice.
fn clash(one: &Listener, other: &Listener) -> bool {
    let is_free = matches!(one.address, Address::Tcp(address) if address.port() == 0);
    one.address == other.address && !is_free
}

fn listener(node: &Node, values: &mut Values<'_>) -> Option<Listener> {
    const ADDRESS: &str = "listen.ext_authz[].address";
    if !matches!(node.value, Value::Mapping(_)) {
        let address = address(node, "listen.ext_authz", values)?;
        return Some(Listener { address, trust: Trust::default() });
    }
    let reader = &mut *values.reader;
    check_members(node, "listen.ext_authz[]", reader);
    let members = reader.mapping(node, "listen.ext_authz[]")?;
    let asked_by = members.get("asked_by");
    let asked_by = match asked_by {
        Some(node) => choose(node, "listen.ext_authz[].asked_by", &ASKED_BY, reader),
        None => Some(AskedBy::Any),
    };
    let forwarded = match members.get("forwarded_client_cert") {
        Some(node) => reader.boolean(node, "listen.ext_authz[].forwarded_client_cert"),
        None => Some(false),
    };
    let Some(stated) = members.get("address") else {
        return missing(node, ADDRESS, reader);
    };
    let address = address(stated, ADDRESS, values);
    let trust = Trust { asked_by: asked_by?, forwarded_client_cert: forwarded? };
    Some(Listener { address: address?, trust })
}

fn missing<T>(node: &Node, what: &str, reader: &mut Reader) -> Option<T> {
    reader.error(&node.place, Code::Missing, format!("{what} is missing."));
    None
}

fn address(node: &Node, what: &str, values: &mut Values<'_>) -> Option<Address> {
    let text = values.reader.text(node, what)?;
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Some(Address::Unix(values.resolve(path, &node.place)));
    }
    if let Ok(address) = text.parse() {
        return Some(Address::Tcp(address));
    }
    let message = format!(
        "{what}: \"{text}\" is no address. It is an IP address with a port, for instance 0.0.0.0:9001, or unix: and the path of a socket."
    );
    values.reader.error(&node.place, Code::InvalidValue, message);
    None
}

fn tcp_address(
    node: &Node,
    path: &str,
    who_asks: &str,
    values: &mut Values<'_>,
) -> Option<SocketAddr> {
    match address(node, path, values)? {
        Address::Tcp(address) => Some(address),
        Address::Unix(_) => {
            values.invalid(path, &format!("must be a TCP address: {who_asks}"));
            None
        }
    }
}

/// `None` where there is none, or it cannot be used; findings tell.
fn console(values: &mut Values<'_>) -> Option<Console> {
    const ADDRESS: &str = "listen.console.address";
    const HOSTS: &str = "listen.console.hosts";
    let elements = values.elements(HOSTS).iter();
    let hosts = elements.filter_map(|node| console_host(node, HOSTS, values.reader)).collect();
    let Some(node) = values.node(ADDRESS) else {
        if values.node(HOSTS).is_some() {
            values.missing(ADDRESS, "Without it there is no console.");
        }
        return None;
    };
    if !cfg!(feature = "console") {
        values.invalid(ADDRESS, "cannot be used: this program was built without the console");
    }
    let address = tcp_address(node, ADDRESS, "browsers ask there", values)?;
    Some(Console { address, hosts })
}

fn console_host(node: &Node, path: &str, reader: &mut Reader) -> Option<String> {
    let text = reader.text(node, path)?;
    let host = normalise_host(text).filter(|host| host.eq_ignore_ascii_case(text));
    if host.is_none() {
        let message = format!("{path}: \"{text}\" is no host name. It stands without a port.");
        reader.error(&node.place, Code::InvalidValue, message);
    }
    host
}

fn tls(values: &mut Values<'_>) -> Option<Tls> {
    const CERTIFICATE: &str = "listen.tls.certificate";
    const PRIVATE_KEY: &str = "listen.tls.private_key";
    let certificate = values.path(CERTIFICATE);
    let private_key = values.path(PRIVATE_KEY);
    let client_ca = values.path("listen.tls.client_ca");
    values.node("listen.tls")?;
    for (path, value) in [(CERTIFICATE, &certificate), (PRIVATE_KEY, &private_key)] {
        if value.is_none() && values.node(path).is_none() {
            values.missing(path, "TLS takes a certificate and its private key.");
        }
    }
    Some(Tls { certificate: certificate?, private_key: private_key?, client_ca })
}
