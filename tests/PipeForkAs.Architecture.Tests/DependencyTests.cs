namespace PipeForkAs.Architecture.Tests;

/// <summary>The allowed dependencies: Cli -> Client, LibC; Client -> Protocol; Daemon -> Protocol, LibC; job hosts -> Jobs -> Protocol,
/// LibC; tests of authors -> Jobs.Testing -> Jobs, Client.
/// </summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["PipeForkAs.Protocol"] = [],
        ["PipeForkAs.LibC"] = [],
        ["PipeForkAs.Client"] = ["PipeForkAs.Protocol"],
        ["PipeForkAs.Cli"] = ["PipeForkAs.Client", "PipeForkAs.LibC"],
        ["PipeForkAs.Files"] = ["PipeForkAs.Client", "PipeForkAs.LibC"],
        ["PipeForkAs.Daemon"] = ["PipeForkAs.Protocol", "PipeForkAs.LibC"],
        ["PipeForkAs.Jobs"] = ["PipeForkAs.Protocol", "PipeForkAs.LibC"],
        ["PipeForkAs.Jobs.Testing"] = ["PipeForkAs.Client", "PipeForkAs.Jobs", "PipeForkAs.LibC", "PipeForkAs.Protocol"],
        ["PipeForkAs.StockJobs"] = ["PipeForkAs.Jobs", "PipeForkAs.LibC"],
    };

    [Fact]
    public void Each_project_depends_only_on_allowed_projects()
    {
        Assert.NotEmpty(Repository.Sources);
        Assert.All(Repository.Sources, project =>
        {
            Assert.True(
                Allowed.TryGetValue(project.Name, out string[]? allowed),
                $"there is no rule for {project.Name}: add it to ARCHITECTURE and here");
            Assert.Empty(project.References.Except(allowed!));
        });
    }

    [Fact]
    public void The_daemon_never_loads_job_code() =>
        Assert.DoesNotContain("PipeForkAs.Jobs", Reachable("PipeForkAs.Daemon"));

    /// <summary>PipeForkAs.Fuzz is not a job host: it passes hostile bytes to all parts. PipeForkAs.Jobs.Testing runs jobs without a fork.
    /// </summary>
    [Fact]
    public void Test_job_hosts_use_only_the_job_API_and_the_C_library() => Assert.All(
        Repository.Projects.Where(project => project.References.Contains("PipeForkAs.Jobs")
            && !project.Name.EndsWith(".Tests", StringComparison.Ordinal)
            && project.Name is not ("PipeForkAs.Jobs" or "PipeForkAs.Jobs.Testing" or "PipeForkAs.Fuzz")),
        host => Assert.Equal(["PipeForkAs.Jobs", "PipeForkAs.LibC"], host.References.Order(StringComparer.Ordinal)));

    [Theory]
    [InlineData("PipeForkAs.Jobs")]
    [InlineData("PipeForkAs.Jobs.Testing")]
    public void Job_code_cannot_compile_against_the_C_library(string project) =>
        Assert.True(Find(project).HidesReference("PipeForkAs.LibC"));

    [Fact]
    public void The_banned_calls_apply_to_everything_that_runs_before_fork() => Assert.All(
        Reachable("PipeForkAs.Jobs").Append("PipeForkAs.Jobs"),
        name => Assert.True(Find(name).HasProperty("RunsBeforeFork", "true"), $"{name} is part of a job host"));

    [Fact]
    public void Only_projects_under_tests_reference_projects_under_tests()
    {
        string[] tests = [.. Repository.Projects.Except(Repository.Sources).Select(project => project.Name)];
        Assert.All(Repository.Sources, project => Assert.Empty(project.References.Intersect(tests)));
    }

    private static HashSet<string> Reachable(string name)
    {
        var reached = new HashSet<string>();
        Queue<string> next = new([name]);
        while (next.TryDequeue(out string? current))
        {
            foreach (string reference in Find(current).References.Where(reached.Add))
                next.Enqueue(reference);
        }

        return reached;
    }

    private static Project Find(string name) => Repository.Projects.Single(project => project.Name == name);
}
