//! Which configurations the SSH of this process covers, and why others need the `ssh` program.

use super::arguments::{BARE, Flag, flags};
use super::config::HostConfig;

/// What an option means for the choice.
enum Rule {
    /// Read and honoured here.
    Honoured,
    /// Has no effect on a session without terminal, master or menu.
    NoEffect,
    /// Covered with these values only.
    Only(&'static [&'static str]),
}
use Rule::{Honoured, NoEffect, Only};

/// One line per option of `ssh -G`.
const OPTIONS: &[(&str, Rule)] = &[
    ("addkeystoagent", NoEffect),
    ("addressfamily", Honoured),
    ("batchmode", NoEffect),
    ("bindaddress", Honoured),
    ("bindinterface", Only(&["", "none"])),
    ("canonicaldomains", NoEffect),
    ("canonicalizefallbacklocal", NoEffect),
    ("canonicalizehostname", NoEffect),
    ("canonicalizemaxdots", NoEffect),
    ("canonicalizepermittedcnames", NoEffect),
    ("casignaturealgorithms", NoEffect),
    ("certificatefile", Honoured),
    ("channeltimeout", NoEffect),
    ("checkhostip", NoEffect),
    ("ciphers", Honoured),
    ("clearallforwardings", NoEffect),
    ("compression", NoEffect),
    ("connectionattempts", Honoured),
    ("connecttimeout", Honoured),
    ("controlmaster", NoEffect),
    ("controlpath", NoEffect),
    ("controlpersist", NoEffect),
    ("dynamicforward", Only(&[])),
    ("enableescapecommandline", NoEffect),
    ("enablesshkeysign", NoEffect),
    ("escapechar", NoEffect),
    ("exitonforwardfailure", NoEffect),
    ("fingerprinthash", NoEffect),
    ("forkafterauthentication", Only(&["no"])),
    ("forwardagent", Honoured),
    ("forwardx11", Only(&["no"])),
    ("forwardx11timeout", NoEffect),
    ("forwardx11trusted", NoEffect),
    ("gatewayports", NoEffect),
    ("globalknownhostsfile", Honoured),
    // Kerberos is only needed when the host takes nothing else: that shows after the keys were tried.
    ("gssapiauthentication", Honoured),
    ("gssapiclientidentity", Only(&["", "none"])),
    ("gssapidelegatecredentials", Only(&["no"])),
    ("gssapikexalgorithms", NoEffect),
    ("gssapikeyexchange", Only(&["no"])),
    ("gssapirenewalforcesrekey", NoEffect),
    ("gssapiserveridentity", Only(&["", "none"])),
    ("gssapitrustdns", NoEffect),
    ("hashknownhosts", Honoured),
    ("host", Honoured),
    ("hostbasedacceptedalgorithms", NoEffect),
    ("hostbasedauthentication", Only(&["no"])),
    ("hostkeyalgorithms", Honoured),
    ("hostkeyalias", Honoured),
    ("hostname", Honoured),
    ("identitiesonly", Honoured),
    ("identityagent", Honoured),
    ("identityfile", Honoured),
    ("ignoreunknown", NoEffect),
    ("ipqos", NoEffect),
    ("kbdinteractiveauthentication", Honoured),
    ("kbdinteractivedevices", NoEffect),
    ("kexalgorithms", Honoured),
    ("knownhostscommand", Only(&["", "none"])),
    ("localcommand", NoEffect),
    ("localforward", Only(&[])),
    ("loglevel", NoEffect),
    ("logverbose", NoEffect),
    ("macs", Honoured),
    ("nohostauthenticationforlocalhost", Honoured),
    ("numberofpasswordprompts", Honoured),
    ("obscurekeystroketiming", NoEffect),
    ("passwordauthentication", Honoured),
    ("permitlocalcommand", Only(&["no"])),
    ("permitremoteopen", NoEffect),
    ("pkcs11provider", Only(&["", "none"])),
    ("port", Honoured),
    ("preferredauthentications", Honoured),
    ("proxycommand", Honoured),
    ("proxyjump", Honoured),
    ("proxyusefdpass", Only(&["no"])),
    ("pubkeyacceptedalgorithms", NoEffect),
    ("pubkeyauthentication", Honoured),
    ("rekeylimit", NoEffect),
    ("remotecommand", Only(&["", "none"])),
    ("remoteforward", Only(&[])),
    ("requesttty", NoEffect),
    ("requiredrsasize", NoEffect),
    ("revokedhostkeys", Only(&["", "none"])),
    ("securitykeyprovider", Only(&["", "none", "internal"])),
    ("sendenv", Honoured),
    ("serveralivecountmax", Honoured),
    ("serveraliveinterval", Honoured),
    ("sessiontype", Only(&["default"])),
    ("setenv", Honoured),
    ("stdinnull", Only(&["no"])),
    ("streamlocalbindmask", NoEffect),
    ("streamlocalbindunlink", NoEffect),
    ("stricthostkeychecking", Honoured),
    ("syslogfacility", NoEffect),
    ("tag", NoEffect),
    ("tcpkeepalive", NoEffect),
    ("tunnel", Only(&["no", "false"])),
    ("tunneldevice", NoEffect),
    ("updatehostkeys", NoEffect),
    ("user", Honoured),
    ("userknownhostsfile", Honoured),
    ("verifyhostkeydns", Only(&["no", "false"])),
    ("versionaddendum", NoEffect),
    ("visualhostkey", NoEffect),
    ("warnweakcrypto", NoEffect),
    ("xauthlocation", NoEffect),
];

/// Flags that ask `ssh` for something else than a plain session.
const PROGRAM_FLAGS: &[(char, &str)] = &[
    (BARE, "a word that is no option stands before the host"),
    ('B', "-B binds to an interface"),
    ('E', "-E writes a log file"),
    ('I', "-I uses a PKCS#11 library"),
    ('K', "-K delegates Kerberos credentials"),
    ('N', "-N runs no command"),
    ('O', "-O talks to a master"),
    ('Q', "-Q asks for a list"),
    ('V', "-V asks for the version"),
    ('W', "-W forwards the session"),
    ('X', "-X forwards X11"),
    ('Y', "-Y forwards X11"),
    ('f', "-f goes to the background"),
    ('n', "-n takes no input"),
    ('s', "-s starts a subsystem"),
    ('w', "-w makes a tunnel"),
];

/// Why this configuration needs the `ssh` program; `None` when it does not.
pub(crate) fn needs_program(config: &HostConfig, line: &[String], baseline: Option<&HostConfig>) -> Option<String> {
    let flagged = |flag: &Flag<'_>| PROGRAM_FLAGS.iter().find(|(letter, _)| *letter == flag.letter);
    if let Some((_, reason)) = flags(line).iter().find_map(flagged) {
        return Some((*reason).to_string());
    }
    config.values.iter().find_map(|(name, value)| {
        let known = OPTIONS.iter().find(|(option, _)| option == name).map(|(_, rule)| rule);
        let covered = match known {
            Some(Honoured | NoEffect) => true,
            Some(Only(values)) => values.contains(&value.as_str()),
            // Newer than FTL: fine as long as nobody changed it.
            None => baseline.is_some_and(|baseline| baseline.all(name).any(|default| default == value)),
        };
        (!covered).then(|| format!("the option {name} is {value}"))
    })
}

/// Are there options this table does not know? Only then the defaults of the installed `ssh` are needed.
pub(crate) fn has_unknown(config: &HostConfig) -> bool {
    config.values.iter().any(|(name, _)| !OPTIONS.iter().any(|(option, _)| option == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_program() {
        let check = |config: &str, line: &str, expected: Option<&str>| {
            let line: Vec<String> = line.split_whitespace().map(String::from).collect();
            let baseline = HostConfig::parse("futureoption on\n");
            let reason = needs_program(&HostConfig::parse(config), &line, Some(&baseline));
            assert_eq!(reason.as_deref(), expected, "{config} {line:?}");
        };
        check("hostname x\ncompression yes\nproxyjump a\ntunnel false\n", "-C -tt -A", None);
        check("pkcs11provider /lib/x.so\n", "", Some("the option pkcs11provider is /lib/x.so"));
        check("proxyusefdpass yes\n", "", Some("the option proxyusefdpass is yes"));
        check("remoteforward 1 [a]:2\n", "", Some("the option remoteforward is 1 [a]:2"));
        check("hostname x\n", "-C other", Some("a word that is no option stands before the host"));
        check("hostname x\n", "-W a:1", Some("-W forwards the session"));
        check("futureoption on\n", "", None);
        check("futureoption off\n", "", Some("the option futureoption is off"));
    }

    #[test]
    fn names_each_option_once_in_order() {
        assert!(OPTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
