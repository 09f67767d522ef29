fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let client = reqwest::blocking::Client::builder().use_native_tls().build()?;
    println!("{}", client.get(&args[1]).bearer_auth(&args[2]).send()?.error_for_status()?.text()?);
    Ok(())
}
