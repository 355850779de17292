namespace PipeForkAs.Jobs.Tests;

public sealed class AuditedArgumentsTests
{
    [Fact]
    public void A_job_audits_no_argument_by_default() => Assert.Empty(new JobCollection().Add("a", () => "").AuditedArguments);

    [Fact]
    public void A_job_audits_the_arguments_that_it_names() =>
        Assert.Equal(
            ["b", "c"], new JobCollection().Add("a", () => "").WithAuditedArguments("b").WithAuditedArguments("c").AuditedArguments);

    [Fact]
    public void A_job_that_names_none_audits_all() =>
        Assert.Equal(["*"], new JobCollection().Add("a", () => "").WithAuditedArguments().AuditedArguments);

    [Fact]
    public void An_empty_name_is_refused() =>
        Assert.Throws<ArgumentException>(() => new JobCollection().Add("a", () => "").WithAuditedArguments(""));
}
