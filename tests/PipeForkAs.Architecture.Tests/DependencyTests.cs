namespace PipeForkAs.Architecture.Tests;

/// <summary>Who may depend on whom: Cli -> Client, LibC; Client -> Protocol; Daemon -> Protocol, LibC; job hosts -> Jobs -> Protocol, LibC.
/// </summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["PipeForkAs.Protocol"] = [],
        ["PipeForkAs.LibC"] = [],
        ["PipeForkAs.Client"] = ["PipeForkAs.Protocol"],
        ["PipeForkAs.Cli"] = ["PipeForkAs.Client", "PipeForkAs.LibC"],
        ["PipeForkAs.Daemon"] = ["PipeForkAs.Protocol", "PipeForkAs.LibC"],
        ["PipeForkAs.Jobs"] = ["PipeForkAs.Protocol", "PipeForkAs.LibC"],
        ["PipeForkAs.StockJobs"] = ["PipeForkAs.Jobs", "PipeForkAs.LibC"],
    };

    [Fact]
    public void Each_project_depends_on_those_alone_on_which_it_may()
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
    public void The_daemon_loads_no_code_of_jobs_by_any_way() =>
        Assert.DoesNotContain("PipeForkAs.Jobs", Reachable("PipeForkAs.Daemon"));

    /// <summary>PipeForkAs.Fuzz is not a job host: it gives hostile bytes to all parts.</summary>
    [Fact]
    public void Job_hosts_of_tests_reach_the_job_authors_interface_and_the_C_library_alone() => Assert.All(
        Repository.Projects.Where(project => project.References.Contains("PipeForkAs.Jobs")
            && !project.Name.EndsWith(".Tests", StringComparison.Ordinal) && project.Name is not ("PipeForkAs.Jobs" or "PipeForkAs.Fuzz")),
        host => Assert.Equal(["PipeForkAs.Jobs", "PipeForkAs.LibC"], host.References.Order(StringComparer.Ordinal)));

    [Fact]
    public void Code_of_job_authors_does_not_compile_against_the_C_library() =>
        Assert.True(Find("PipeForkAs.Jobs").HidesReference("PipeForkAs.LibC"));

    [Fact]
    public void Everything_that_runs_before_fork_is_held_to_the_list_of_banned_calls() => Assert.All(
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
