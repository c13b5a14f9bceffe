//! A real nginx in front of a server, with a TLS port for each thing that can be wrong with one.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::process::{Process, free_port, nginx};

/// What is wrong with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    ClientCertificate,
    OldProtocol,
    /// It speaks no TLS.
    Plain,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::None,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::SelfSigned,
        Self::ClientCertificate,
        Self::OldProtocol,
        Self::Plain,
    ];

    fn certificate(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "early",
            Self::WrongName => "elsewhere",
            Self::SelfSigned => "alone",
            Self::None | Self::ClientCertificate | Self::OldProtocol | Self::Plain => "fullchain",
        }
    }

    /// What stands in its server, but for the port and what it passes on.
    fn lines(self) -> String {
        let name = self.certificate();
        let key = if self == Self::SelfSigned { "alone-key" } else { "privkey" };
        match self {
            Self::Plain => String::new(),
            Self::ClientCertificate => {
                format!(
                    "ssl_certificate {name}.pem; ssl_certificate_key {key}.pem; ssl_client_certificate ca.pem; ssl_verify_client on;"
                )
            }
            Self::OldProtocol => format!(
                "ssl_certificate {name}.pem; ssl_certificate_key {key}.pem; ssl_ciphers ALL:@SECLEVEL=0; ssl_protocols TLSv1 TLSv1.1;"
            ),
            _ => format!("ssl_certificate {name}.pem; ssl_certificate_key {key}.pem;"),
        }
    }
}

/// It, running.
pub struct Front {
    process: Option<Process>,
    folder: TempDir,
    backend: u16,
    ports: [u16; Fault::ALL.len()],
    /// In place of a port's own lines.
    instead: Option<(Fault, String)>,
}

impl Front {
    pub fn before(backend: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.distinguished_name.push(DnType::CommonName, "issuer");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        write("ca.pem", ca.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(ca, key);
        let key = KeyPair::generate().unwrap();
        write("privkey.pem", key.serialize_pem());
        let leaf = |file: &str, name: &str, from: i32, to: i32| {
            let names = vec![name.to_owned(), "api.example.test".to_owned()];
            let mut params = CertificateParams::new(names).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
            write(&format!("{file}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
        };
        leaf("fullchain", "localhost", 2020, 2080);
        leaf("expired", "localhost", 2020, 2021);
        leaf("early", "localhost", 2090, 2091);
        leaf("elsewhere", "api.example.com", 2020, 2080);
        let alone = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        write("alone.pem", alone.cert.pem());
        write("alone-key.pem", alone.signing_key.serialize_pem());
        let mut front = Self { process: None, folder, backend, ports: Fault::ALL.map(|_| free_port()), instead: None };
        front.start();
        front
    }

    /// The same with these lines of configuration in place of what that port has.
    pub fn mended(mut self, fault: Fault, lines: &str) -> Self {
        self.instead = Some((fault, lines.to_owned()));
        self.start();
        self
    }

    pub fn port(&self, fault: Fault) -> u16 {
        self.ports[fault as usize]
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn start(&mut self) {
        self.process = None;
        let (dir, backend) = (self.folder.path().display(), self.backend);
        let servers: String = Fault::ALL
            .iter()
            .map(|fault| {
                let own = match &self.instead {
                    Some((mended, lines)) if mended == fault => lines.clone(),
                    _ => fault.lines(),
                };
                let port = self.port(*fault);
                let listen = match (fault, own.contains("listen")) {
                    (_, true) => String::new(),
                    (Fault::Plain, false) => format!("listen 127.0.0.1:{port};"),
                    (_, false) => format!("listen 127.0.0.1:{port} ssl;"),
                };
                format!(
                    "server {{ {listen} {own}
                       location / {{
                         proxy_pass http://127.0.0.1:{backend}; proxy_http_version 1.1; proxy_set_header Host $http_host;
                         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                       }}
                     }}\n"
                )
            })
            .collect();
        let configuration = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;
             events {{ worker_connections 256; }}
             http {{
               access_log off;
               client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
               uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
               {servers}
             }}"
        );
        std::fs::write(self.folder.path().join("nginx.conf"), configuration).unwrap();
        self.process = Some(nginx(self.folder.path()));
    }
}
