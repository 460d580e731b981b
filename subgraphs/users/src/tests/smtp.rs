//! Mail by SMTP, to a server of the test's own.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::Config;
use crate::mail::{Mail, mailer};

/// Takes one mail, and returns everything that the client said. `answer` is what the server says to the recipient.
async fn take_one(listener: TcpListener, answer: &'static str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.split();
    let (mut lines, mut said, mut in_mail) = (BufReader::new(read).lines(), String::new(), false);
    write.write_all(b"220 test\r\n").await.unwrap();
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push_str(&line);
        said.push('\n');
        let reply = match line.split([' ', ':']).next().unwrap() {
            _ if in_mail && line != "." => continue,
            "DATA" => "354 go on\r\n",
            "RCPT" => answer,
            "QUIT" => break,
            _ => "250 fine\r\n",
        };
        in_mail = line == "DATA";
        write.write_all(reply.as_bytes()).await.unwrap();
    }
    said
}

async fn send(answer: &'static str) -> (anyhow::Result<()>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::new();
    config.mail.smtp_url = Some(format!("smtp://{}", listener.local_addr().unwrap()));
    config.mail.mail_from = "The Shop <shop@shop.test>".to_owned();
    let server = tokio::spawn(take_one(listener, answer));
    let mailer = mailer(&config.mail, None).unwrap().unwrap();
    let mail = Mail { to: "ada@shop.test".to_owned(), subject: "Grüße".to_owned(), text: "Hello\n.\nBye".to_owned() };
    let sent = mailer.send(&mail).await;
    drop(mailer);
    (sent, server.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_handed_to_the_server() {
    let (sent, said) = send("250 fine\r\n").await;
    sent.unwrap();
    for expected in ["MAIL FROM:<shop@shop.test>", "RCPT TO:<ada@shop.test>", "To: ada@shop.test", "Hello\n..\nBye"] {
        assert!(said.contains(expected), "no `{expected}` in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_is_an_error() {
    let (sent, _) = send("550 nobody\r\n").await;
    assert!(format!("{:#}", sent.unwrap_err()).contains("did not take the mail"));
}

#[test]
fn settings_that_cannot_be_used_are_refused_without_the_password() {
    let mut config = Config::new();
    config.mail.smtp_url = Some("http://me:secret@host".to_owned());
    let error = format!("{:#}", mailer(&config.mail, None).err().unwrap());
    assert!(error.contains("SMTP_URL") && !error.contains("secret"), "{error}");
    config.mail.smtp_url = Some("smtp://host".to_owned());
    config.mail.mail_from = "nonsense".to_owned();
    assert!(mailer(&config.mail, None).err().unwrap().to_string().contains("MAIL_FROM"));
}
