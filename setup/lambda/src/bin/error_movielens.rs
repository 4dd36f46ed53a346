fn main() -> Result<(), lambda_runtime::Error> {
    mwaalib_lambda::report::main()
}
