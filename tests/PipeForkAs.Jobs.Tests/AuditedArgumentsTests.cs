namespace PipeForkAs.Jobs.Tests;

public sealed class AuditedArgumentsTests
{
    [Fact]
    public void A_job_shows_no_argument_unless_it_says_so() => Assert.Empty(new JobCollection().Add("a", () => "").AuditedArguments);

    [Fact]
    public void A_job_shows_the_arguments_that_it_names() =>
        Assert.Equal(
            ["b", "c"], new JobCollection().Add("a", () => "").WithAuditedArguments("b").WithAuditedArguments("c").AuditedArguments);

    [Fact]
    public void A_job_that_names_none_shows_all() =>
        Assert.Equal(["*"], new JobCollection().Add("a", () => "").WithAuditedArguments().AuditedArguments);

    [Fact]
    public void An_empty_name_is_refused() =>
        Assert.Throws<ArgumentException>(() => new JobCollection().Add("a", () => "").WithAuditedArguments(""));
}
