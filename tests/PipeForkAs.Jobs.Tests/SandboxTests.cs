using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Tests;

public sealed class SandboxTests
{
    [Fact]
    public void A_job_collects_its_sandboxes()
    {
        Job job = new JobCollection().Add("a", () => "");
        var first = new Sandbox { ReadOnly = ["/usr"] };
        var second = new Sandbox { NoNetwork = true };

        job.WithSandbox(first).WithSandbox(second);

        Assert.Equal([first, second], job.Sandboxes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("usr")]
    [InlineData("~alice/file")]
    [InlineData("/usr\0")]
    public void A_path_that_is_neither_absolute_nor_below_the_home_is_refused(string path)
    {
        Job job = new JobCollection().Add("a", () => "");
        Assert.Throws<ArgumentException>(() => job.WithSandbox(new Sandbox { ReadOnly = [path] }));
        Assert.Throws<ArgumentException>(() => job.WithSandbox(new Sandbox { ReadWrite = ["/usr", path] }));
        Assert.Empty(job.Sandboxes);
    }

    [Fact]
    public void A_sandbox_that_restricts_nothing_or_has_too_many_paths_is_refused()
    {
        Job job = new JobCollection().Add("a", () => "");
        Assert.Throws<ArgumentException>(() => job.WithSandbox(new Sandbox()));
        Assert.Throws<ArgumentException>(
            () => job.WithSandbox(new Sandbox { ReadOnly = [.. Enumerable.Repeat("/usr", Sandbox.MaxPaths + 1)] }));
    }
}
