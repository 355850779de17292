using PipeForkAs.Files;
using PipeForkAs.Files.Settings;

// A page that shows and changes the files of users of this machine. It has no rights of its own: the daemon runs jobs as the user who
// signed in, and the kernel decides what this user may do.
try
{
    FilesOptions options = args switch
    {
        [] => new FilesOptions(),
        ["--config", var file] => FilesOptions.Read(file),
        _ => throw new OptionsException("usage: pipeforkas-files [--config FILE]"),
    };
    await FilesPage.Build(options).RunAsync();
    return 0;
}
catch (OptionsException wrong)
{
    await Console.Error.WriteLineAsync($"pipeforkas-files: {wrong.Message}");
    return 2;
}
