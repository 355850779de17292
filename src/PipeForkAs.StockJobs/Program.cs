using PipeForkAs.Jobs;
using PipeForkAs.StockJobs;

// Common jobs, and an example of how to write jobs: one function for each, and one line for each here.
return JobHost.Run(args, jobs =>
{
    jobs.Add("business-logic", () => "eggman")
        .WithDescription("The demonstration: a function whose text goes into the pipe");

    jobs.Add("id", Id.Describe)
        .WithDescription("Show uid, gid and groups, as id(1) does");

    jobs.Add("echo", () => StockJson.Default.EchoArguments, Echo.Say)
        .WithDescription("Write a text back");

    jobs.Add("cat", Cat.Copy)
        .WithDescription("Copy standard input to standard output");

    jobs.Add("list-directory", () => StockJson.Default.ListDirectoryArguments, () => StockJson.Default.DirectoryListing, ListDirectory.List)
        .WithDescription("List a directory: name, kind, size, mode, owner and time of change of each entry")
        .WithAuditedArguments();

    jobs.Add("read-file", () => StockJson.Default.ReadFileArguments, ReadFile.Read)
        .WithDescription("Write a file to standard output")
        .WithAuditedArguments();

    jobs.Add("write-file", () => StockJson.Default.WriteFileArguments, WriteFile.WriteAsync)
        .WithDescription("Write standard input to a file; the replacement is atomic")
        .WithAuditedArguments();

    jobs.Add("make-directory", () => StockJson.Default.MakeDirectoryArguments, () => StockJson.Default.PathResult, MakeDirectory.Make)
        .WithDescription("Create a directory, with its parents if that is asked for")
        .WithAuditedArguments();

    jobs.Add("rename", () => StockJson.Default.RenameArguments, () => StockJson.Default.PathResult, Rename.Move)
        .WithDescription("Rename or move a file or directory; it replaces nothing unless that is asked for")
        .WithAuditedArguments();

    jobs.Add("remove", () => StockJson.Default.RemoveArguments, () => StockJson.Default.RemoveResult, Remove.Delete)
        .WithDescription("Remove a file or an empty directory, or a tree; neither symbolic links nor mount points are followed")
        .WithAuditedArguments();

    jobs.Add("stat", () => StockJson.Default.StatArguments, () => StockJson.Default.StatResult, Stat.Inspect)
        .WithDescription("Show the attributes of a file: kind, size, mode, owner, group, links and time of change")
        .WithAuditedArguments();

    jobs.Add("archive-directory", () => StockJson.Default.ArchiveDirectoryArguments, ArchiveDirectory.Write)
        .WithDescription("Write a directory to standard output as a tar archive")
        .WithAuditedArguments();

    jobs.Add("disk-usage", () => StockJson.Default.DiskUsageArguments, () => StockJson.Default.DiskUsageResult, DiskUsage.Measure)
        .WithDescription("Sum up a directory tree; neither symbolic links nor mount points are followed")
        .WithAuditedArguments();

    jobs.Add("environment", EnvironmentVariables.List)
        .WithDescription("List the environment variables that a job has")
        .AllowEnvironment("LANG", "LC_ALL", "TZ", "TERM");
});
