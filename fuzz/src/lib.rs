pub fn token_header(_: &[u8]) {}
