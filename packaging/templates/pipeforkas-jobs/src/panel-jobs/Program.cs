using PipeForkAs.Jobs;
using TemplateNamespace;

return JobHost.Run(args, RegisteredJobs.Register);
