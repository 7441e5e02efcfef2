package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// restricted asks the library behind the label pod-security.kubernetes.io/enforce=restricted.
func restricted(files []string) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	pods := 0
	var bad []error
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		documents := kyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
		for {
			doc, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			name, meta, spec, err := pod(doc)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if spec == nil {
				continue
			}
			pods++
			for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, meta, spec) {
				if !r.Allowed {
					bad = append(bad, fmt.Errorf("%s: %s: %s: %s", path, name, r.ForbiddenReason, r.ForbiddenDetail))
				}
			}
		}
	}
	if pods == 0 {
		return errors.New("there are no pods at all")
	}
	if len(bad) == 0 {
		fmt.Println(pods, "pods satisfy the restricted policy")
	}
	return errors.Join(bad...)
}

// pod returns what an object runs; nothing for one that runs nothing.
func pod(doc []byte) (string, *metav1.ObjectMeta, *corev1.PodSpec, error) {
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return "", nil, nil, err
	}
	name := head.Kind + " " + head.Name
	template := func(into any, t *corev1.PodTemplateSpec) (string, *metav1.ObjectMeta, *corev1.PodSpec, error) {
		err := yaml.UnmarshalStrict(doc, into)
		return name, &t.ObjectMeta, &t.Spec, err
	}
	switch head.Kind {
	case "Pod":
		var p corev1.Pod
		err := yaml.UnmarshalStrict(doc, &p)
		return name, &p.ObjectMeta, &p.Spec, err
	case "Deployment":
		var d appsv1.Deployment
		return template(&d, &d.Spec.Template)
	case "StatefulSet":
		var s appsv1.StatefulSet
		return template(&s, &s.Spec.Template)
	case "Job":
		var j batchv1.Job
		return template(&j, &j.Spec.Template)
	case "DaemonSet", "CronJob", "ReplicaSet", "ReplicationController":
		return name, nil, nil, fmt.Errorf("%s: this check does not know how to look into it", name)
	}
	return name, nil, nil, nil
}
