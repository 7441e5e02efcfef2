// Command manifests looks at what the chart renders, with the libraries of those who will read it: Kubernetes' own policy
// of Pod Security and Prometheus' own parser. It is a module of its own, so that the program does not depend on them.
//
//	manifests schemas SWAGGER OUT CRD...     strict JSON schemas for kubeconform
//	manifests restricted FILE...             every pod of every object satisfies the restricted policy
//	manifests queries METRICS.md RUNBOOKS ALERTS DASHBOARD   every query can be parsed and names metrics and labels that exist;
//	                                         every alert has its page
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch a := os.Args[1:]; {
	case len(a) >= 3 && a[0] == "schemas":
		err = schemas(a[1], a[2], a[3:])
	case len(a) >= 2 && a[0] == "restricted":
		err = restricted(a[1:])
	case len(a) == 5 && a[0] == "queries":
		err = queries(a[1], a[2], a[3], a[4])
	default:
		err = fmt.Errorf("usage: manifests schemas|restricted|queries ...")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}
